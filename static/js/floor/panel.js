// @ts-check
/** The panel beside the map: the night's list with search, and the activity feed. */

import { byId, el, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { askIncident } from "../incident.js";
import { arrivalsText, isLate } from "../picture.js";
import { countdownText, ms, nightText, timeText } from "../venue-clock.js";
import { BOOKING_WORD, partyText, tablesText } from "../words.js";
import { Doors } from "./doors.js";
import { isLiveStatus } from "./guests.js";
import { Attention } from "./attention.js";
import { standingMark, standingOf } from "./money.js";
import { Waiting } from "./waiting.js";

/**
 * @typedef {import("./page.js").Page} Page
 * @typedef {"list" | "feed" | "doors"} Tab
 */

const GROUPS = /** @type {const} */ ([
  ["Inside, not seated", (/** @type {any} */ b) => b.status === "confirmed" && b.admitted > 0],
  ["Held, unpaid", (/** @type {any} */ b) => b.status === "pending"],
  ["Expected", (/** @type {any} */ b) => b.status === "confirmed" && b.admitted === 0],
  ["Seated", (/** @type {any} */ b) => b.status === "seated"],
  ["Ended", (/** @type {any} */ b) => !isLiveStatus(b.status)],
]);
const ENDED_MAX = 30; // the newest; the search finds the rest

export class Panel {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.waiting = new Waiting(page);
    this.attention = new Attention(page);
    /** @type {Map<string, {row: HTMLElement, key: string}>} */
    this.rows = new Map();
    this.feedKey = "";
    /** @type {HTMLInputElement} */
    this.input = /** @type {any} */ (byId("search"));
    this.input.before(icon("search"));
    this.input.addEventListener("input", () => this.draw());
    byId("panel-close").addEventListener("click", () => this.close());
    this.doors = new Doors(page);
    /** @type {Tab[]} */
    this.tabs = this.doors.may ? ["list", "feed", "doors"] : ["list", "feed"];
    for (const tab of this.tabs) {
      byId(`tab-${tab}`).addEventListener("click", () => this.#show(tab));
      byId(`tab-${tab}`).addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        const { length } = this.tabs;
        const other = this.tabs[(this.tabs.indexOf(tab) + by + length) % length];
        this.#show(other);
        byId(`tab-${other}`).focus();
      });
    }
    this.#dock();
    byId("desk-sheet").hidden = !page.may("booking:code");
    byId("incident").hidden = !page.may("incident:record");
    byId("incident").addEventListener("click", () => {
      const { doors } = page.floor;
      askIncident({ night: page.commands.night, doors, door: doors[0]?.id ?? null });
    });
  }

  /** On a narrow screen the panel lies over the map. */
  open() {
    byId("panel").dataset.open = "";
    this.#markDock();
  }

  close() {
    delete byId("panel").dataset.open;
    if (this.page.selected !== null) this.page.select(null);
    this.#markDock();
  }

  search() {
    this.open();
    this.#show("list");
    this.input.focus();
    this.input.select();
  }

  draw() {
    if (!this.page.live.state) return;
    this.#drawNight();
    this.#drawList();
    this.#drawFeed();
    this.doors.follow();
  }

  /** @param {Tab} tab */
  #show(tab) {
    for (const name of this.tabs) {
      byId(`pane-${name}`).hidden = name !== tab;
      mark(byId(`tab-${name}`), "aria-selected", String(name === tab));
    }
    this.#markDock();
  }

  #dock() {
    const words = { map: "Map", list: "Tonight", feed: "Activity", doors: "Doors" };
    /** @param {Tab | "map"} name */
    const go = (name) => () => {
      if (name === "map") return this.close();
      this.page.select(null);
      this.open();
      this.#show(name);
    };
    for (const name of /** @type {(Tab | "map")[]} */ (["map", ...this.tabs])) {
      byId("dock").append(
        el(
          "button",
          { class: "button", type: "button", "data-dock": name, onclick: go(name) },
          icon(name === "doors" ? "door" : name),
          el("span", {}, words[name]),
        ),
      );
    }
    // Where the bar at the top has no room for it.
    if (this.page.may("audit:read"))
      byId("dock").append(
        el("a", { class: "button dock-admin", href: "/admin" }, icon("keys"), el("span", {}, "Admin")),
      );
    this.#markDock();
  }

  #markDock() {
    const open = byId("panel").hasAttribute("data-open");
    const shown = !open ? "map" : this.tabs.find((tab) => !byId(`pane-${tab}`).hidden);
    for (const button of byId("dock").querySelectorAll("[data-dock]")) {
      mark(button, "aria-pressed", String(button.getAttribute("data-dock") === shown));
    }
  }

  /** The list is called "Tonight" only where it is; another night goes by its date. */
  #drawNight() {
    const { night } = /** @type {any} */ (this.page.live.state);
    const word = this.page.when() === "tonight" ? "Tonight" : nightText(night);
    write(byId("tab-list"), word);
    write(byId("dock").querySelector('[data-dock="list"] span'), word);
    mark(byId("panel"), "aria-label", word);
    mark(byId("desk-sheet"), "href", `/v1/nights/${night}/sheet`);
  }

  #drawList() {
    const { live, guests, floor } = this.page;
    const { bookings } = /** @type {any} */ (live.state).document;
    const now = live.clock.now();
    const known = new Map(
      guests.rows
        .filter((row) => !isLiveStatus(row.status))
        .slice(-200)
        .map((row) => [row.booking_id, row]),
    );
    for (const [id, booking] of Object.entries(bookings)) known.set(id, booking);
    const wanted = this.input.value.trim().toLowerCase();
    /** @type {Node[]} */
    const shown = [];
    const money = wanted ? [] : this.attention.draw();
    if (money.length)
      shown.push(
        el("h2", { class: "group eyebrow" }, el("span", {}, "Money to look after"), el("span", {}, this.attention.count)),
        ...money,
      );
    const waiting = wanted ? [] : this.waiting.draw();
    if (waiting.length)
      shown.push(
        el("h2", { class: "group eyebrow" }, el("span", {}, "Waitlist"), el("span", {}, waiting.length)),
        ...waiting,
      );
    for (const [title, belongs] of GROUPS) {
      let members = [...known].filter(
        ([id, booking]) => belongs(booking) && this.#matches(id, booking, wanted),
      );
      members.sort((a, b) => order(a[1], b[1]));
      const count = members.length;
      if (title === "Ended" && !wanted) members = members.slice(-ENDED_MAX);
      if (count === 0) continue;
      shown.push(
        el("h2", { class: "group eyebrow" }, el("span", {}, title), el("span", {}, count)),
      );
      for (const [id, booking] of members) {
        shown.push(this.#row(id, booking, isLate(booking, now, floor.grace_minutes ?? 30), now));
      }
    }
    if (shown.length === 0) {
      shown.push(
        el(
          "p",
          { class: "empty" },
          wanted ? "Nobody by that name, reference or table." : "No bookings yet.",
        ),
      );
    }
    const place = byId("list");
    const focused = focusWithin(place);
    if (
      shown.length !== place.childNodes.length ||
      shown.some((node, index) => place.childNodes[index] !== node)
    ) {
      place.replaceChildren(...shown);
      focused?.focus({ preventScroll: true });
    }
  }

  /** A row that is made again only when what it says differs. @param {string} id @param {any} booking @param {boolean} late @param {number} now */
  #row(id, booking, late, now) {
    const { guests } = this.page;
    const live = isLiveStatus(booking.status);
    const name = guests.names[id] ?? guests.row(id)?.name ?? "";
    const left =
      booking.hold_expires_at && booking.status === "pending"
        ? ms(booking.hold_expires_at) - now
        : null;
    const state =
      left !== null
        ? countdownText(left)
        : live
          ? arrivalsText(booking)
          : (BOOKING_WORD[booking.status] ?? booking.status);
    const from = booking.slot_from ?? booking.from;
    const flag = booking.disputed || (booking.payment_failed && booking.status === "pending");
    const owned = !live && booking.paid_pence > 0 && this.page.may("payment:list");
    const more = [
      partyText(booking.party),
      from && timeText(from),
      booking.source === "walk_in" ? "walk-in" : "",
    ]
      .filter(Boolean)
      .join(" · ");
    const key = JSON.stringify([name, booking.status, booking.tables, state, more, late, flag]);
    const old = this.rows.get(id);
    if (old?.key === key) return old.row;
    const first = booking.tables?.[0];
    const row = el(
      "button",
      {
        class: `party tone-${booking.status}`,
        type: "button",
        "data-ended": live ? null : "",
        "data-id": id,
        disabled: !owned && (!live || first === undefined),
        onclick: () =>
          owned
            ? this.page.money.show(id, name || tablesText(booking.tables ?? []))
            : this.page.select(first),
      },
      el(
        "span",
        { class: "party-table" },
        booking.tables?.length ? tablesText(booking.tables) : "·",
      ),
      el(
        "span",
        { class: "party-name" },
        name || el("span", { class: "soft" }, booking.source === "walk_in" ? "Walk-in" : "No name"),
      ),
      el(
        "span",
        { class: "party-figure" },
        flag
          ? standingMark(standingOf(booking, null))
          : late
            ? el("span", { class: "tag tag-warn" }, "late")
            : (BOOKING_WORD[booking.status] ?? ""),
      ),
      el("span", { class: "party-more" }, more),
      el("span", { class: "party-state" }, state),
    );
    this.rows.set(id, { row, key });
    return row;
  }

  /** @param {string} id @param {any} booking @param {string} wanted */
  #matches(id, booking, wanted) {
    if (!wanted) return true;
    const row = this.page.guests.row(id);
    const name = (this.page.guests.names[id] ?? row?.name ?? "").toLowerCase();
    const plain = wanted.replace(/[^0-9a-z]/g, "");
    const table = /^(?:t|table)?\s*(\d{1,2})$/.exec(wanted);
    return (
      name.includes(wanted) ||
      (plain.length >= 3 &&
        (row?.reference ?? "")
          .toLowerCase()
          .replace(/[^0-9a-z]/g, "")
          .includes(plain)) ||
      (table !== null && (booking.tables ?? []).includes(Number(table[1])))
    );
  }

  #drawFeed() {
    const { live, guests } = this.page;
    const key = `${live.lines[0]?.version}:${live.lines.length}:${guests.fetchedAt}`;
    if (key === this.feedKey) return;
    this.feedKey = key;
    const place = byId("feed");
    const known = new Map([...place.children].map((line) => [line.getAttribute("data-key"), line]));
    const lines = live.lines.map((line) => {
      const name = line.booking_id
        ? (guests.names[line.booking_id] ?? guests.row(line.booking_id)?.name ?? "")
        : "";
      const id = `${line.version}:${name}`;
      const warn = /refused|no-show|expired|blocked/i.test(line.text);
      return (
        known.get(id) ??
        el(
          "li",
          {
            "data-key": id,
            "data-kind": warn ? "warn" : line.type === "HEADCOUNT_CHANGED" ? "count" : null,
          },
          el("time", { datetime: line.at }, timeText(line.at)),
          el("span", {}, line.text, name && el("span", { class: "who" }, ` · ${name}`)),
        )
      );
    });
    if (lines.length === 0) lines.push(el("li", {}, el("span", {}), "Nothing has happened yet."));
    place.replaceChildren(...lines);
  }
}

/**
 * The row that has the keyboard's focus, so that drawing the list again does not take it away.
 * @param {HTMLElement} place @returns {HTMLElement | null}
 */
function focusWithin(place) {
  const { activeElement } = document;
  return activeElement instanceof HTMLElement && place.contains(activeElement)
    ? activeElement
    : null;
}

/** @param {any} a @param {any} b */
function order(a, b) {
  const [x, y] = [a, b].map((one) => one.hold_expires_at ?? one.slot_from ?? one.from ?? "");
  return x < y ? -1 : x > y ? 1 : (a.tables?.[0] ?? 99) - (b.tables?.[0] ?? 99);
}
