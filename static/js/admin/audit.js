// @ts-check
/** The books as whoever answers for the venue reads them: filters, newest first, older on request. */

import { read } from "../api.js";
import { el, fill } from "../elements.js";
import { dateText, instantAt, nightText, secondsText } from "../venue-clock.js";
import { changesOf, factsOf } from "./differences.js";
import { choiceField, textField, typed } from "./forms.js";
import { nothing, tag } from "./list.js";
import { readButton } from "./read-button.js";
import { NIGHT_LINE, VENUE_LINE } from "./says.js";

const PAGE_LINES = 50;

export class Audit {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = false; // what is being read stays where it is
    /** @type {Object<string, string | null>} */
    this.wish = { night: null, actor: null, type: null, from: null, until: null };
    /** @type {string | null} what the address asks about */
    this.subject = null;
    /** On a phone the filters would be the whole screen. */
    this.unfolded = matchMedia("(min-width: 720px)").matches;
  }

  /** @param {URLSearchParams} asked */
  async load(asked) {
    this.subject = asked.get("subject");
    await this.desk.learnNames();
    return { page: await this.#page(), subject: this.subject, wish: { ...this.wish } };
  }

  acts() {
    return el(
      "button",
      { class: "button", type: "button", "data-act": "newest", onclick: () => this.desk.refresh() },
      "Newest",
    );
  }

  /** @param {{page: any}} found */
  draw({ page }) {
    const list = el("ol", { class: "book", "aria-label": "Lines, newest first" });
    const foot = el("div", { class: "book-foot" });
    this.#append(list, foot, page);
    return [this.#filters(), this.#about(), page.lines.length ? list : this.#empty(), foot];
  }

  /** @param {number | null} [before] */
  #page(before = null) {
    const query = new URLSearchParams({ limit: String(PAGE_LINES) });
    query.set("book", this.wish.night ?? "venue");
    for (const name of ["actor", "type"]) {
      const value = this.wish[name];
      if (value) query.set(name, value);
    }
    for (const name of ["from", "until"]) {
      const value = this.wish[name];
      if (value) query.set(name, instantAt(value));
    }
    if (this.subject) query.set("subject", this.subject);
    if (before !== null) query.set("before", String(before));
    return read(`/v1/audit?${query}`);
  }

  /** @param {HTMLElement} list @param {HTMLElement} foot @param {any} page */
  #append(list, foot, page) {
    list.append(...page.lines.map((/** @type {any} */ line) => this.#line(line)));
    if (page.older === null) {
      const all = page.lines.length || list.children.length;
      fill(foot, all ? el("p", { class: "soft small" }, "The book begins here.") : null);
      return;
    }
    const older = readButton(
      "Older",
      "older",
      async () => {
        const first = list.children.length;
        this.#append(list, foot, await this.#page(page.older));
        /** @type {HTMLElement} */ (list.children[first])?.focus();
      },
      "No older lines",
    );
    fill(foot, older);
  }

  /** @param {any} line */
  #line(line) {
    const words = { ...VENUE_LINE, ...NIGHT_LINE };
    const changes = changesOf(line.payload, this.desk);
    const facts = factsOf(line.payload, this.desk);
    const byHand = line.made_by.startsWith("hand:");
    return el(
      "li",
      { class: "book-line", tabindex: "-1", "data-type": line.type, "data-version": line.version },
      el(
        "p",
        { class: "book-when" },
        el(
          "time",
          { datetime: line.at, title: `Line ${line.version}` },
          dateText(line.at),
          " ",
          el("b", {}, secondsText(line.at)),
        ),
      ),
      el(
        "div",
        { class: "book-what" },
        el(
          "p",
          {},
          el("b", {}, words[/** @type {keyof typeof words} */ (line.type)] ?? line.type),
          " ",
          el("span", { class: "book-whom" }, this.desk.nameOf(line.subject)),
          byHand && tag("by hand in the database", "bad"),
        ),
        changes.length > 0 &&
          el(
            "ul",
            { class: "changes" },
            changes.map(({ what, before, after }) =>
              el(
                "li",
                {},
                el("span", { class: "soft" }, `${what}: `),
                before !== null && el("del", {}, before),
                before !== null && el("span", { class: "arrow", "aria-label": "became" }, " → "),
                el("ins", {}, after),
              ),
            ),
          ),
        facts.length > 0 && el("p", { class: "small soft" }, facts.join(" · ")),
      ),
      el(
        "p",
        { class: "book-who small" },
        el("span", {}, this.#actor(line.actor)),
        line.origin &&
          el(
            "span",
            { class: "faint", title: "A digest of the address: the same for the same network" },
            `from ${line.origin.slice(0, 6)}`,
          ),
      ),
    );
  }

  /** @param {string} actor */
  #actor(actor) {
    if (actor === "public") return "Somebody";
    return actor.startsWith("system:") ? "The service" : this.desk.nameOf(actor);
  }

  #filters() {
    const { nights, names } = this.desk;
    const { wish } = this;
    const words = wish.night ? NIGHT_LINE : VENUE_LINE;
    const actors = [...names].sort(([, one], [, other]) => one.localeCompare(other));
    const form = el(
      "form",
      {
        class: "filters",
        role: "search",
        "aria-label": "Filters",
        onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
        onchange: () => this.#choose(new FormData(form)),
      },
      choiceField(
        "Book",
        "book",
        [
          ["venue", "The venue"],
          ["night", "A night"],
        ],
        wish.night ? "night" : "venue",
        "",
        { "data-key": "book" },
      ),
      wish.night &&
        textField("Night", "night", { type: "date", value: wish.night, required: true, "data-key": "night" }),
      choiceField(
        "Who",
        "actor",
        [
          ["", "Anybody"],
          .../** @type {[string, string][]} */ (actors),
          ["public", "Somebody unknown"],
          ["system:sweeper", "The service"],
        ],
        wish.actor ?? "",
        "",
        { "data-key": "actor" },
      ),
      choiceField(
        "What",
        "type",
        [["", "Everything"], ...Object.entries(words)],
        wish.type ?? "",
        "",
        { "data-key": "type" },
      ),
      textField("From", "from", { type: "datetime-local", value: wish.from ?? "", "data-key": "from" }),
      textField("Until", "until", { type: "datetime-local", value: wish.until ?? "", "data-key": "until" }),
    );
    this.tonight = nights.tonight ?? nights.nights[0]?.night ?? null;
    const given = Object.values(wish).filter(Boolean).length;
    const box = el(
      "details",
      { class: "filter-box", open: this.unfolded, ontoggle: () => (this.unfolded = box.open) },
      el("summary", { "data-key": "filters" }, given ? `Filters (${given})` : "Filters"),
      form,
    );
    return box;
  }

  /** @param {FormData} data */
  async #choose(data) {
    const ofNight = data.get("book") === "night";
    const night = ofNight ? (typed(data, "night") ?? this.wish.night ?? this.tonight) : null;
    const other = (night === null) !== (this.wish.night === null);
    this.wish = {
      night: night ?? null,
      actor: typed(data, "actor"),
      type: other ? null : typed(data, "type"), // the two books have types of their own
      from: typed(data, "from"),
      until: typed(data, "until"),
    };
    await this.desk.refresh();
  }

  #about() {
    if (!this.subject) return null;
    return el(
      "p",
      { class: "about" },
      "Only about ",
      el("b", {}, this.desk.nameOf(this.subject)),
      el("a", { class: "button button-plain", href: "#audit" }, "Show everything"),
    );
  }

  #empty() {
    const { night } = this.wish;
    return nothing(
      "No such lines",
      night
        ? `Nothing in the book of ${nightText(night)} fits these filters.`
        : "Nothing in the venue's book fits these filters.",
    );
  }
}
