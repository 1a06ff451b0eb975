// @ts-check
/** Tonight's list: who is expected and who is in, found by name, there without a network too. */

import { read, Unreachable } from "../api.js";
import { showDialog } from "../dialog.js";
import { byId, el, fill, write } from "../elements.js";
import { ms, timeText } from "../venue-clock.js";
import { partyText, tablesText } from "../words.js";
import { aheadOf, arrivalsText, findIn, parties, withUntold } from "./expected.js";
import { keep, kept, wipe } from "./keeping.js";

/**
 * @typedef {import("../live.js").Live} Live
 * @typedef {import("./expected.js").Party} Party
 * @typedef {{may: () => boolean, leaves: () => boolean, onChoose: (party: Party, reference: string) => void,
 *   where: (tables: number[]) => string, untold: () => Map<string, number>,
 *   ahead: () => Promise<Object<string, any> | null>}} ArrivalsWiring
 *   `leaves`: whoever is scanned now goes out; `untold`: people whom this tablet let in by itself, by booking; `ahead`: the list of a day ahead.
 */

const ASK_EVERY_MS = 1500; // several bookings made at once are asked for together
const SEARCH_AFTER_MS = 200;
const KEEP_EVERY_MS = 4000;
const AFTER_CLOSE_MS = 60 * 60_000;
const REDRAW_MS = 30_000; // "late" comes by time alone
const ROWS_MAX = 300;

/** @type {Record<string, string>} */
const STATE_WORD = { waiting: "not in yet", some: "in", all: "all in", unpaid: "not paid", over: "" };

export class Arrivals {
  /** @param {Live} live @param {ArrivalsWiring} wiring */
  constructor(live, wiring) {
    this.live = live;
    this.wiring = wiring;
    this.place = byId("arrivals");
    this.graceMinutes = 30;
    /** @type {import("./expected.js").GuestList} */
    this.guests = { names: {}, references: {} };
    this.night = "";
    this.asked = new Set();
    this.askedAt = -Infinity;
    this.timer = 0;
    this.text = "";
    /** @type {Set<string> | undefined} */
    this.found = undefined;
    this.searchTimer = 0;
    this.keptAt = -Infinity;
    /** @type {Omit<import("./keeping.js").Kept, "until"> | null} what was kept, until the service is heard */
    this.old = null;
    /** @type {unknown} */
    this.drawn = null;
    setInterval(() => this.draw(), REDRAW_MS);
  }

  /** The list of before, where this tablet kept one: shown until the service is heard. */
  async recall() {
    this.old = (await kept().catch(() => null)) ?? (await this.#ahead());
    if (this.old && !this.live.state) {
      this.guests = this.old.guests;
      this.draw();
    }
  }

  async #ahead() {
    const list = await this.wiring.ahead();
    return list?.night ? aheadOf(list) : null;
  }

  /** Follows the live state: asks for the names that it does not know yet. */
  follow() {
    const { state } = this.live;
    if (!state) return;
    if (state.night !== this.night) {
      if (this.old && this.old.night !== state.night) this.#forget();
      if (this.old?.night !== state.night) this.guests = { names: {}, references: {} };
      Object.assign(this, { night: state.night, asked: new Set(), old: null });
      this.#ask();
    }
    const ids = Object.keys(state.document.bookings);
    if (ids.some((id) => !this.asked.has(id))) this.#ask();
    this.draw();
    this.#keep();
  }

  /** Nothing of the guests stays on this tablet. */
  async forget() {
    this.guests = { names: {}, references: {} };
    await this.#forget();
    this.draw();
  }

  /** @param {string} text a name or a part of it; "": everybody */
  search(text) {
    if (text === this.text) return;
    this.text = text;
    this.found = undefined;
    clearTimeout(this.searchTimer);
    if (text) this.searchTimer = window.setTimeout(() => this.#search(text), SEARCH_AFTER_MS);
    this.draw();
  }

  /** Opens the one party that was found; says so when there is none or several. @param {string} text */
  async chooseBy(text) {
    this.search(text);
    clearTimeout(this.searchTimer);
    await this.#search(text);
    const found = findIn(this.#all(), text, this.found);
    if (found.length === 1) this.#show(found[0]);
  }

  #document() {
    return this.live.state?.document ?? this.old?.document ?? null;
  }

  #all() {
    const document = this.#document();
    const now = this.live.state || !this.old ? this.live.clock.now() : ms(this.old.at);
    const untold = this.wiring.untold();
    return document ? parties(withUntold(document, untold), this.guests, now, this.graceMinutes) : [];
  }

  draw() {
    const all = this.#all();
    const shown = this.text ? findIn(all, this.text, this.found) : all;
    write(byId("arrivals-count"), this.#count(all, shown.length));
    const now = JSON.stringify(shown);
    if (now === this.drawn) return;
    this.drawn = now;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.id;
    fill(this.place, shown.slice(0, ROWS_MAX).map((party) => this.#row(party)));
    if (shown.length > ROWS_MAX)
      this.place.append(el("li", { class: "row-none soft" }, "More: type a part of the name"));
    if (shown.length === 0)
      fill(
        this.place,
        el("li", { class: "row-none soft" }, this.text ? "Nobody of this name tonight" : "Nobody is expected yet"),
      );
    if (focused) /** @type {HTMLElement | null} */ (this.place.querySelector(`[data-id="${focused}"]`))?.focus();
  }

  /** @param {Party[]} all @param {number} shown */
  #count(all, shown) {
    if (this.text) return `${shown} found for “${this.text}”`;
    const since = !this.live.state && this.old ? ` · as of ${timeText(this.old.at)}` : "";
    return `${arrivalsText(all)}${since}`;
  }

  /** @param {Party} party */
  #row(party) {
    const state = party.late ? "late" : party.state;
    return el(
      "li",
      {},
      el(
        "button",
        {
          class: "row party", type: "button", "data-id": party.id, "data-state": state,
          onclick: () => this.#show(party),
        },
        el("i", { class: "party-sign", "aria-hidden": "true" }),
        el("b", {}, party.name || (party.walkIn ? "Walk-in" : "No name")),
        el("span", { class: "party-count" }, countText(party)),
        el(
          "span",
          { class: "row-more" },
          [
            tablesText(party.tables),
            party.walkIn ? "" : timeText(party.from),
            party.late
              ? "late"
              : party.left > 0
                ? `${party.left} went out`
                : party.state === "some"
                  ? ""
                  : STATE_WORD[party.state],
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
    );
  }

  /** One party, and the way to let it in without its code. @param {Party} party */
  #show(party) {
    const reference = this.guests.references[party.id];
    const may = this.wiring.may() && reference !== undefined;
    const leaves = this.wiring.leaves();
    const look = `Without the code: look at an ID that has this name before you ${
      leaves ? "count them out" : "let them in"
    }.`;
    const all = !leaves && party.state === "all" ? "Everybody of this party is in. " : "";
    showDialog(party.name || "Party", (close) => [
      el(
        "div",
        { class: "form party-card" },
        el("p", { class: "party-figure" }, countText(party)),
        el(
          "p",
          {},
          [partyText(party.party), tablesText(party.tables), this.wiring.where(party.tables)]
            .filter(Boolean)
            .join(" · "),
        ),
        party.left > 0 && el("p", { class: "soft" }, `${party.left} went out again`),
        el(
          "p",
          { class: "soft" },
          party.state === "unpaid"
            ? "Not paid yet: send them to the desk."
            : all + look,
        ),
        el(
          "div",
          { class: "dialog-foot" },
          el("button", { class: "button", type: "button", onclick: close }, "Back"),
          el(
            "button",
            {
              class: "button button-main", type: "button", disabled: !may, autofocus: true,
              onclick: () => {
                close();
                this.search("");
                this.wiring.onChoose(party, reference);
              },
            },
            leaves ? "ID seen: check out" : "ID seen: check in",
          ),
        ),
      ),
    ]);
  }

  /** @param {string} text */
  async #search(text) {
    const night = this.live.state?.night;
    if (!night) return;
    try {
      const path = `/v1/nights/${night}/guests?search=${encodeURIComponent(text)}`;
      const answer = await read(path);
      if (text !== this.text) return;
      this.found = new Set(Object.keys(answer.references));
    } catch (error) {
      if (!(error instanceof Unreachable)) console.warn("The search was not answered", error);
    }
    this.draw();
  }

  #ask() {
    if (this.timer) return;
    const due = Math.max(0, this.askedAt + ASK_EVERY_MS - performance.now());
    this.timer = window.setTimeout(() => this.#fetch(), due);
  }

  async #fetch() {
    this.askedAt = performance.now();
    const { night } = this;
    const ids = Object.keys(this.live.state?.document.bookings ?? {});
    try {
      const guests = await read(`/v1/nights/${night}/guests`);
      if (night === this.night) {
        this.guests = guests;
        for (const id of ids) this.asked.add(id);
        this.keptAt = -Infinity;
      }
    } catch (error) {
      console.info("Names are not known yet", error);
    }
    this.timer = 0;
    this.follow();
  }

  /** Not more often than needed: a store that is written at every scan wears the tablet out. */
  async #keep() {
    const { state, clock } = this.live;
    const now = performance.now();
    if (!state || now - this.keptAt < KEEP_EVERY_MS) return;
    this.keptAt = now;
    const { closes_at: closesAt } = /** @type {any} */ (state.document.night);
    if (!closesAt || Object.keys(this.guests.references).length === 0) return;
    const left = Math.max(0, ms(closesAt) - clock.now()) / Math.max(1, clock.speed);
    await keep({
      night: state.night,
      document: state.document,
      guests: this.guests,
      at: new Date(clock.now()).toISOString(),
      until: Date.now() + left + AFTER_CLOSE_MS,
    }).catch((error) => console.info("The list is not kept", error));
  }

  async #forget() {
    this.old = null;
    this.keptAt = -Infinity;
    await wipe().catch((error) => console.warn("The list could not be wiped", error));
  }
}

/** "4 of 8 in"; who went out again is not in. @param {Party} party */
function countText(party) {
  return `${party.in} of ${party.party} in`;
}
