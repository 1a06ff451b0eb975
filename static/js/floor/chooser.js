// @ts-check
/**
 * Choosing tables on the map: for a move, or more tables for one party; says what it would mean.
 *
 * For a move the service says what it breaks, of the floor as it is now; until it has answered, and
 * where it cannot be reached, this page's own reckoning stands.
 */

import { read } from "../api.js";
import { byId, el, fill } from "../elements.js";
import { timeText } from "../venue-clock.js";
import { partyText, pounds, tablesText } from "../words.js";

/**
 * @typedef {import("./page.js").Page} Page
 * @typedef {{kind: "good" | "warn" | "stop", text: string}} Finding
 * @typedef {{title: string, verb: string, party: number, from: number[], slot: [string, string] | null,
 *   booking: string | null, split?: boolean}} Wish
 */

const TABLES_MAX = 4;

export class Chooser {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Wish | null} */
    this.wish = null;
    /** @type {Set<number>} */
    this.chosen = new Set();
    this.done = (/** @type {number[] | null} */ _tables) => {};
    /** What the service said of a move, and of which one. @type {{key: string, breaks: any[]}} */
    this.preview = { key: "", breaks: [] };
    this.asked = "";
  }

  get open() {
    return this.wish !== null;
  }

  /**
   * Resolves to the tables in ascending order, or null when it was called off.
   * @param {Wish} wish @param {number[]} [first]
   * @returns {Promise<number[] | null>}
   */
  choose(wish, first = []) {
    this.cancel();
    this.wish = wish;
    this.chosen = new Set(first);
    this.page.panel.close();
    return new Promise((resolve) => {
      this.done = resolve;
      this.draw();
      this.page.map.focus(first[0] ?? wish.from[0] ?? 1);
    });
  }

  /** @param {number} number */
  toggle(number) {
    if (this.chosen.has(number)) this.chosen.delete(number);
    else if (this.chosen.size < TABLES_MAX) this.chosen.add(number);
    this.draw();
  }

  cancel() {
    if (this.open) this.#end(null);
  }

  /** @param {number[] | null} tables */
  #end(tables) {
    this.wish = null;
    byId("chooser").hidden = true;
    this.page.map.note("target", []);
    this.page.map.note("dim", []);
    this.page.map.note("broken", []);
    this.asked = "";
    this.done(tables);
  }

  draw() {
    const { wish } = this;
    const place = byId("chooser");
    place.hidden = wish === null;
    if (!wish || !this.page.live.state) return;
    const tables = [...this.chosen].sort((a, b) => a - b);
    const findings = this.#told(tables, wish) ?? this.findings(tables, wish);
    const stopped = tables.length === 0 || findings.some((finding) => finding.kind === "stop");
    this.page.map.note("target", tables);
    this.page.map.note("dim", this.#unfit(wish));
    const key = JSON.stringify([wish.title, tables, findings]);
    if (place.dataset.key === key) return;
    const focused = document.activeElement?.id;
    place.dataset.key = key;
    fill(
      place,
      el(
        "div",
        { class: "chooser-line" },
        el(
          "div",
          {},
          el("strong", {}, wish.title),
          el(
            "p",
            { class: "small soft" },
            tables.length ? tablesText(tables) : "Choose tables on the map",
          ),
        ),
        el(
          "div",
          { class: "chooser-line" },
          el("button", { class: "button", type: "button", onclick: () => this.cancel() }, "Cancel"),
          el(
            "button",
            {
              class: "button button-main",
              type: "button",
              id: "chooser-send",
              disabled: stopped,
              onclick: () => this.#end(tables),
            },
            wish.verb,
          ),
        ),
      ),
      findings.length > 0 &&
        el(
          "ul",
          {},
          findings.map((finding) =>
            el("li", { class: `finding finding-${finding.kind}` }, finding.text),
          ),
        ),
    );
    if (focused === "chooser-send") document.getElementById(focused)?.focus();
  }

  /**
   * What the service says this move breaks; null: it is none, or it has not said so yet. Asked anew
   * when the tables are others, or the floor is.
   * @param {number[]} tables @param {Wish} wish @returns {Finding[] | null}
   */
  #told(tables, wish) {
    const state = /** @type {any} */ (this.page.live.state);
    const moves = wish.booking !== null && wish.from.length > 0 && !wish.split;
    const same = tables.join() === wish.from.join();
    if (!moves || tables.length === 0 || same) {
      this.page.map.note("broken", []);
      return null;
    }
    const key = `${wish.booking} ${tables} ${state.version}`;
    if (this.asked !== key) {
      this.asked = key;
      read(`/v1/bookings/${wish.booking}/move?tables=${tables}`)
        .then((answer) => {
          if (this.asked !== key) return;
          this.preview = { key, breaks: answer.breaks };
          this.draw();
        })
        .catch(() => {}); // the page's own reckoning stands, and the move itself is judged again
    }
    if (this.preview.key !== key) return null;
    const { breaks } = this.preview;
    const where = breaks.filter((one) => one.forbids && one.table).map((one) => one.table);
    this.page.map.note("broken", where);
    return [
      ...breaks.map((one) => ({
        kind: /** @type {"stop" | "warn"} */ (one.forbids ? "stop" : "warn"),
        text: this.#named(one),
      })),
      ...(breaks.length === 0 ? [{ kind: /** @type {"good"} */ ("good"), text: "Breaks nothing" }] : []),
    ];
  }

  /** The sentence with whose it is, and when. @param {any} broken */
  #named(broken) {
    const who = broken.booking_id ? this.page.guests.names[broken.booking_id] : null;
    const when = broken.from ? `${timeText(broken.from)} to ${timeText(broken.until)}` : null;
    const more = [who, when].filter(Boolean).join(", ");
    return more ? `${broken.text} (${more})` : broken.text;
  }

  /** Tables that cannot be chosen, whatever the party. @param {Wish} wish */
  #unfit(wish) {
    const document = /** @type {any} */ (this.page.live.state).document;
    return Object.keys(document.tables)
      .map(Number)
      .filter((number) =>
        this.findings([number], { ...wish, party: 0 }).some((finding) => finding.kind === "stop"),
      );
  }

  /**
   * What sitting this party at these tables would mean. The service has the last word.
   * @param {number[]} tables @param {Wish} wish @returns {Finding[]}
   */
  findings(tables, wish) {
    const { document } = /** @type {any} */ (this.page.live.state);
    /** @type {Finding[]} */
    const found = [];
    for (const number of tables) {
      if (wish.from.includes(number)) continue;
      found.push(...this.#conflicts(number, document, wish));
    }
    if (wish.party > 0 && tables.length > 0) found.push(this.#fit(tables, document, wish.party));
    const floors = new Set(tables.map((number) => this.#facts(number)?.floor));
    if (floors.size > 1) found.push({ kind: "stop", text: "These tables are on two floors" });
    const from = wish.from.map((number) => this.#facts(number)?.floor)[0];
    if (wish.party > 0 && from && floors.size === 1 && !floors.has(from)) {
      found.push({ kind: "warn", text: `The party changes to the other floor, ${[...floors][0]}` });
    }
    for (const { tables: pair } of this.page.floor.combinations ?? []) {
      const some = pair.filter((/** @type {number} */ n) => tables.includes(n));
      const rest = pair.filter((/** @type {number} */ n) => !tables.includes(n));
      const whole =
        rest.length > 0 &&
        rest.every((/** @type {number} */ n) => document.tables[n]?.status === "available");
      if (wish.party > 0 && some.length > 0 && whole) {
        found.push({
          kind: "warn",
          text: `Breaks the pair ${tablesText(pair)} that is kept for large parties`,
        });
      }
    }
    if (wish.party > 0 && wish.from.length > 0 && tables.length > 0) {
      const change = this.#deposit(tables, document) - this.#deposit(wish.from, document);
      if (change !== 0)
        found.push({
          kind: "warn",
          text: `The deposit would be ${pounds(Math.abs(change))} ${change > 0 ? "more" : "less"}`,
        });
    }
    return found;
  }

  /** @param {number} number @param {any} document @param {Wish} wish @returns {Finding[]} */
  #conflicts(number, document, wish) {
    const table = document.tables[number];
    if (!table) return [];
    /** @type {Finding[]} */
    const found = [];
    const [from, until] = wish.slot ?? [document.night.doors_at, document.night.closes_at];
    if (table.occupied_by && table.occupied_by !== wish.booking) {
      found.push({
        kind: "stop",
        text: `T${number} is occupied by ${this.#who(table.occupied_by, document)}`,
      });
    }
    for (const id of table.claims) {
      const claim = document.bookings[id];
      if (id === wish.booking || !claim) continue;
      if (claim.slot_from < until && from < claim.slot_until) {
        const word = claim.status === "pending" ? "held" : "reserved";
        found.push({
          kind: "stop",
          text: `T${number} is ${word} from ${timeText(claim.slot_from)} for ${this.#who(id, document)}`,
        });
      }
    }
    for (const block of table.blocks) {
      if (block.from < until && from < block.until)
        found.push({
          kind: "stop",
          text: `T${number} is out of service: ${block.reason.replace("_", " ")}`,
        });
    }
    if (table.resetting_since) found.push({ kind: "warn", text: `T${number} is not reset yet` });
    return found;
  }

  /** @param {number[]} tables @param {any} document @param {number} party @returns {Finding} */
  #fit(tables, document, party) {
    const pair = (this.page.floor.combinations ?? []).find(
      (/** @type {any} */ combination) =>
        combination.tables.length === tables.length &&
        combination.tables.every((/** @type {number} */ n) => tables.includes(n)),
    );
    const most =
      pair?.party_max ??
      tables.reduce(
        (seats, n) =>
          seats + (document.tables[n]?.capacity?.max ?? this.#facts(n)?.capacity.max ?? 0),
        0,
      );
    const least =
      pair?.party_min ?? Math.min(...tables.map((n) => document.tables[n]?.capacity?.min ?? 1));
    const where = tablesText(tables);
    if (party > most)
      return { kind: "stop", text: `${where} seats ${most}, the party is ${party}` };
    if (party < least) return { kind: "warn", text: `${where} is meant for ${least} or more` };
    return { kind: "good", text: `${where} seats ${most}, ${partyText(party)} fits` };
  }

  /** @param {number[]} tables @param {any} document @returns {number} */
  #deposit(tables, document) {
    return tables.reduce((total, n) => total + (document.tables[n]?.deposit_pence ?? 0), 0);
  }

  /** @param {string} id @param {any} document */
  #who(id, document) {
    return this.page.guests.names[id] || partyText(document.bookings[id]?.party ?? 1);
  }

  /** @param {number} number */
  #facts(number) {
    return this.page.floor.tables.find((/** @type {any} */ table) => table.number === number);
  }
}
