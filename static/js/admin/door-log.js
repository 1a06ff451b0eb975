// @ts-check
/** A night's report, and its door's log: who was kept out and why, who was let in all the same, and
 * incidents. */

import { read } from "../api.js";
import { el, fill } from "../elements.js";
import { tellProblem } from "../toasts.js";
import { instantAt, nightText, secondsText } from "../venue-clock.js";
import { capital } from "../words.js";
import { choiceField, textField, typed } from "./forms.js";
import { named, nothing, tableOf, tag } from "./list.js";
import { nightReport } from "./night-report.js";
import { readButton } from "./read-button.js";
import { DOOR_LINE, DOOR_REASON } from "./says.js";

const PAGE_LINES = 100;
/** @type {Object<string, "good" | "warn" | "bad" | "">} */
const TONE = { refused: "bad", overridden: "warn", undone: "warn", head_count: "", incident: "bad" };

export class DoorLog {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = false; // what is being read stays where it is
    /** @type {Object<string, string | null>} */
    this.wish = { night: null, kind: null, door: null, reason: null, staff: null, from: null, until: null };
    /** On a phone the filters would be the whole screen. */
    this.unfolded = matchMedia("(min-width: 720px)").matches;
  }

  async load() {
    await this.desk.learnNames();
    const { nights } = this.desk;
    this.wish.night ??= nights.tonight ?? nights.nights[0]?.night ?? null;
    if (this.wish.night === null) return { page: null, wish: { ...this.wish } };
    const [page, floor] = await Promise.all([
      read(this.#address()),
      read(`/v1/nights/${this.wish.night}/state`),
    ]);
    return { page, figures: floor.state.counts.figures, wish: { ...this.wish } };
  }

  acts() {
    return [
      el(
        "button",
        { class: "button", type: "button", "data-act": "newest", onclick: () => this.desk.refresh() },
        "Newest",
      ),
      el(
        "button",
        { class: "button", type: "button", "data-act": "file", onclick: () => this.#save() },
        "Log as CSV",
      ),
    ];
  }

  /** @param {{page: any, figures?: Object<string, number>}} found */
  draw({ page, figures }) {
    if (page === null) return nothing("No night yet", "Open a night on the floor first.");
    const place = el("div", { class: "section-list" });
    const foot = el("div", { class: "book-foot" });
    this.#show(place, foot, page, page.lines);
    return [figures ? nightReport(this.desk, page.night, figures) : null, this.#filters(), place, foot];
  }

  /** @param {HTMLElement} place @param {HTMLElement} foot @param {any} page @param {any[]} lines */
  #show(place, foot, page, lines) {
    fill(place, lines.length ? this.#list(lines) : this.#empty());
    if (page.older === null) return fill(foot, null);
    const older = readButton(
      "Older",
      "older",
      async () => {
        const next = await read(this.#address(page.older));
        this.#show(place, foot, next, [...lines, ...next.lines]);
      },
      "No older lines",
    );
    fill(foot, older);
  }

  /** @param {any[]} lines */
  #list(lines) {
    return tableOf(
      "The door's log, newest first",
      [
        { title: "When", cell: (one) => named(secondsText(one.at), `line ${one.version}`) },
        { title: "What", cell: (one) => tag(DOOR_LINE[one.kind] ?? one.kind, TONE[one.kind] ?? "") },
        { title: "Why", cell: whyText },
        { title: "Door", cell: (one) => this.desk.doorName(one.door) },
        { title: "Staff", cell: (one) => this.desk.nameOf(one.staff) },
        { title: "People", cell: (one) => (one.people === null ? "" : String(one.people)) },
      ],
      lines,
      { id: (one) => String(one.version) },
    );
  }

  #filters() {
    const { wish } = this;
    const people = [...this.desk.names].sort(([, one], [, other]) => one.localeCompare(other));
    const doors = this.desk.floor.doors.map((/** @type {any} */ door) => [door.id, door.name]);
    const form = el(
      "form",
      {
        class: "filters",
        role: "search",
        "aria-label": "Filters",
        onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
        onchange: () => this.#choose(new FormData(form)),
      },
      textField("Night", "night", { type: "date", value: wish.night ?? "", required: true, "data-key": "night" }),
      choiceField("What", "kind", [["", "Everything"], ...Object.entries(DOOR_LINE)], wish.kind ?? "", "", {
        "data-key": "kind",
      }),
      choiceField("Door", "door", [["", "Any door"], ...doors], wish.door ?? "", "", { "data-key": "door" }),
      choiceField("Reason", "reason", [["", "Any reason"], ...Object.entries(DOOR_REASON)], wish.reason ?? "", "", {
        "data-key": "reason",
      }),
      choiceField(
        "Who",
        "staff",
        [["", "Anybody"], .../** @type {[string, string][]} */ (people)],
        wish.staff ?? "",
        "",
        { "data-key": "staff" },
      ),
      textField("From", "from", { type: "datetime-local", value: wish.from ?? "", "data-key": "from" }),
      textField("Until", "until", { type: "datetime-local", value: wish.until ?? "", "data-key": "until" }),
    );
    const given = Object.values(wish).filter(Boolean).length - 1;
    const box = el(
      "details",
      { class: "filter-box", open: this.unfolded, ontoggle: () => (this.unfolded = box.open) },
      el("summary", { "data-key": "filters" }, given > 0 ? `Filters (${given})` : "Filters"),
      form,
    );
    return box;
  }

  /** @param {FormData} data */
  async #choose(data) {
    this.wish = {
      night: typed(data, "night") ?? this.wish.night,
      kind: typed(data, "kind"),
      door: typed(data, "door"),
      reason: typed(data, "reason"),
      staff: typed(data, "staff"),
      from: typed(data, "from"),
      until: typed(data, "until"),
    };
    await this.desk.refresh();
  }

  /** @param {number | null} [before] */
  #address(before = null) {
    const query = new URLSearchParams({ limit: String(PAGE_LINES) });
    for (const name of ["kind", "door", "reason", "staff"]) {
      const value = this.wish[name];
      if (value) query.set(name, value);
    }
    for (const name of ["from", "until"]) {
      const value = this.wish[name];
      if (value) query.set(name, instantAt(value));
    }
    if (before !== null) query.set("before", String(before));
    return `/v1/nights/${this.wish.night}/door-log?${query}`;
  }

  /** The lines that fit the filters are a file on this device. */
  async #save() {
    if (this.wish.night === null) return;
    const query = this.#address().replace(`limit=${PAGE_LINES}`, "limit=1000&format=csv");
    try {
      await this.desk.download(query, `door-log-${this.wish.night}.csv`);
    } catch (error) {
      tellProblem(error, "No log");
    }
  }

  #empty() {
    return nothing("No such lines", `Nothing at the doors of ${nightText(this.wish.night ?? "")} fits these filters.`);
  }
}

/** @param {any} one */
function whyText(one) {
  const reasons = one.reasons.map(spoken).join(", ");
  const why = one.why && !one.reasons.includes(one.why) ? spoken(one.why) : null;
  return named(capital(reasons), why);
}

/** @param {string} word */
function spoken(word) {
  return word.replaceAll("_", " ");
}
