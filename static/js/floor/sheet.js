// @ts-check
/** The action sheet of one table: what is true of it, and what may be done about it now. */

import { byId, el, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { bookingAt, nextClaim } from "../picture.js";
import { countdownText, ms, timeText } from "../venue-clock.js";
import { STATUS_WORD, partyText, tablesText } from "../words.js";
import { blockCard, bookingCard, freeCard, resetCard, tableCard } from "./cards.js";
import { glyphOf } from "./header.js";

/** @typedef {import("./page.js").Page} Page */

export class Sheet {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {number | null} */
    this.number = null;
    this.key = "";
    this.place = byId("sheet");
  }

  /** @param {number} number */
  show(number) {
    const fresh = this.number !== number;
    this.number = number;
    this.place.hidden = false;
    byId("panel-view").inert = true;
    if (fresh) this.key = "";
    this.draw();
    const first = this.place.querySelector(".button-main, .actions .button, .button");
    if (fresh && first instanceof HTMLElement) first.focus({ preventScroll: true });
  }

  hide() {
    this.number = null;
    this.place.hidden = true;
    byId("panel-view").inert = false;
  }

  /** Draws again when something of this table, its booking or a command changed. */
  draw() {
    const { page, number } = this;
    const document = page.live.state?.document;
    if (number === null || !document) return;
    const table = document.tables[String(number)];
    if (!table) return this.page.select(null);
    const id = bookingAt(table);
    const booking = id ? document.bookings[id] : undefined;
    const pending = page.commands.isPending(number);
    const claims = table.claims.map((/** @type {string} */ claim) => document.bookings[claim]);
    const key = JSON.stringify([
      number,
      page.when(),
      table,
      booking,
      claims,
      pending,
      id && page.guests.names[id],
      id && page.guests.row(id)?.reference,
      id && booking && page.money.of(id, booking),
      id && booking && page.wishes.of(id, booking),
    ]);
    if (key === this.key) return;
    this.key = key;
    const focused = focusName(this.place);
    const facts = page.floor.tables.find((/** @type {any} */ one) => one.number === number);
    fill(
      this.place,
      this.#head(number, table.status, facts),
      el(
        "div",
        { class: `sheet-body tone-${table.status}` },
        pending && el("p", { class: "small soft", role: "status" }, "Sent. Waiting for the floor…"),
        this.#cards(number, table, id, booking, pending),
        tableCard(table, facts),
      ),
    );
    if (focused) {
      const again =
        this.place.querySelector(`[data-act="${focused}"]`) ?? this.place.querySelector(".button");
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
    this.tick();
  }

  /** What moves with the clock. */
  tick() {
    const left = this.place.querySelector("[data-until]");
    if (!left) return;
    const rest = ms(left.getAttribute("data-until") ?? "") - this.page.live.clock.now();
    write(left, countdownText(rest));
    mark(left, "data-urgent", rest < 120_000 ? "" : null);
  }

  /** @param {number} number @param {string} status @param {any} facts */
  #head(number, status, facts) {
    return el(
      "header",
      { class: `sheet-head tone-${status}` },
      el("span", { class: "sheet-number", "aria-hidden": "true" }, number),
      el(
        "div",
        { class: "sheet-title" },
        el(
          "h2",
          {},
          el("span", { class: "visually-hidden" }, `Table ${number}, `),
          facts?.name ?? `Table ${number}`,
        ),
        el(
          "span",
          { class: "sheet-status" },
          glyphOf(this.page, status),
          STATUS_WORD[status] ?? status,
        ),
      ),
      el(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": "Close",
          onclick: () => this.page.select(null),
        },
        icon("close"),
      ),
    );
  }

  /** @param {number} number @param {any} table @param {string | null} id @param {any} booking @param {boolean} pending */
  #cards(number, table, id, booking, pending) {
    const cards = [];
    const blocks = table.blocks.filter((/** @type {any} */ block) => block.in_force);
    if (blocks.length > 0) cards.push(blockCard(this.page, number, blocks, pending));
    if (table.resetting_since) cards.push(resetCard(this.page, number, table, pending));
    if (id && booking) cards.push(bookingCard(this.page, id, booking, number, pending));
    else if (!table.resetting_since && blocks.length === 0)
      cards.push(freeCard(this.page, number, pending));
    const next = nextClaim(table, /** @type {any} */ (this.page.live.state).document, id);
    if (next) {
      const nextId = table.claims.find(
        (/** @type {string} */ one) => this.page.live.state?.document.bookings[one] === next,
      );
      cards.push(
        el(
          "div",
          { class: "card" },
          el("h3", { class: "eyebrow" }, "Next"),
          el(
            "p",
            {},
            `${timeText(next.slot_from)} · ${this.page.guests.names[nextId] ?? "No name"} · ${partyText(next.party)}`,
          ),
        ),
      );
    }
    return cards;
  }

  /** @param {number} from @param {number[]} [first] */
  async move(from, first = []) {
    const { live, chooser, commands } = this.page;
    const { document } = /** @type {any} */ (live.state);
    const id = bookingAt(document.tables[String(from)]);
    const booking = id ? document.bookings[id] : null;
    if (!id || !booking) return;
    if (this.page.selected !== null) this.page.select(null);
    const tables = await chooser.choose(
      {
        title: `Move ${this.page.guests.names[id] ?? partyText(booking.party)} from ${tablesText(booking.tables)}`,
        verb: "Move",
        party: booking.party,
        from: booking.tables,
        slot: [booking.slot_from, booking.slot_until],
        booking: id,
      },
      first,
    );
    if (!tables) return;
    await commands.booking(
      id,
      "move",
      [...booking.tables, ...tables],
      `Move to ${tablesText(tables)}`,
      { tables, edition: booking.edition ?? 0 },
    );
  }
}

/** @param {HTMLElement} place */
function focusName(place) {
  const active = document.activeElement;
  return active instanceof HTMLElement && place.contains(active)
    ? (active.dataset.act ?? "none")
    : null;
}
