// @ts-check
/** The action sheet of one table: what is true of it, and what may be done about it now. */

import { byId, el, fill, icon, mark, write } from "../elements.js";
import { bookingAt, isLate, nextClaim } from "../picture.js";
import { countdownText, ms, spanText, timeText } from "../venue-clock.js";
import { BLOCK_REASON, BOOKING_WORD, STATUS_WORD, capital, partyText, pounds, referenceText, tablesText } from "../words.js";
import { askSure } from "../dialog.js";
import { askBlock, askConfirm, askParty } from "./forms.js";
import { glyphOf } from "./header.js";

/** @typedef {import("./page.js").Page} Page */

const PIPS_MAX = 16;

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
    const key = JSON.stringify([number, table, booking, claims, pending, id && page.guests.names[id], id && page.guests.row(id)?.reference]);
    if (key === this.key) return;
    this.key = key;
    const focused = focusName(this.place);
    const facts = page.floor.tables.find((/** @type {any} */ one) => one.number === number);
    fill(this.place,
      this.#head(number, table.status, facts),
      el("div", { class: `sheet-body tone-${table.status}` },
        pending && el("p", { class: "small soft", role: "status" }, "Sent. Waiting for the floor…"),
        this.#cards(number, table, id, booking, pending),
        this.#tableCard(table, facts)));
    if (focused) {
      const again = this.place.querySelector(`[data-act="${focused}"]`) ?? this.place.querySelector(".button");
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
    return el("header", { class: `sheet-head tone-${status}` },
      el("span", { class: "sheet-number", "aria-hidden": "true" }, number),
      el("div", { class: "sheet-title" },
        el("h2", {}, el("span", { class: "visually-hidden" }, `Table ${number}, `), facts?.name ?? `Table ${number}`),
        el("span", { class: "sheet-status" }, glyphOf(this.page, status), STATUS_WORD[status] ?? status)),
      el("button", { class: "icon-button", type: "button", "aria-label": "Close", onclick: () => this.page.select(null) }, icon("close")));
  }

  /** @param {number} number @param {any} table @param {string | null} id @param {any} booking @param {boolean} pending */
  #cards(number, table, id, booking, pending) {
    const cards = [];
    const blocks = table.blocks.filter((/** @type {any} */ block) => block.in_force);
    if (blocks.length > 0) cards.push(this.#blockCard(number, blocks, pending));
    if (table.resetting_since) cards.push(this.#resetCard(number, table, pending));
    if (id && booking) cards.push(this.#bookingCard(id, booking, number, pending));
    else if (!table.resetting_since && blocks.length === 0) cards.push(this.#freeCard(number, pending));
    const next = nextClaim(table, this.page.live.state.document, id);
    if (next) {
      const nextId = table.claims.find((/** @type {string} */ one) => this.page.live.state?.document.bookings[one] === next);
      cards.push(el("div", { class: "card" }, el("h3", { class: "eyebrow" }, "Next"),
        el("p", {}, `${timeText(next.slot_from)} · ${this.page.guests.names[nextId] ?? "No name"} · ${partyText(next.party)}`)));
    }
    return cards;
  }

  /** @param {number} number @param {boolean} pending */
  #freeCard(number, pending) {
    return el("div", { class: "card actions" },
      this.#act("walk-in", "Seat a walk-in", "walk_in:create", pending, () => askParty(this.page, "walk-in", [number]), "button-main"),
      this.#act("hold", "Hold for a party", "hold:desk", pending, () => askParty(this.page, "hold", [number])),
      this.#act("block", "Block", "table:block", pending, () => askBlock(this.page, number)));
  }

  /** @param {string} id @param {any} booking @param {number} number @param {boolean} pending */
  #bookingCard(id, booking, number, pending) {
    const { page } = this;
    const { commands, guests } = page;
    const where = booking.tables;
    const late = isLate(booking, page.live.clock.now(), page.floor.grace_minutes ?? 30);
    const name = guests.names[id];
    const held = booking.status === "pending";
    const seated = booking.status === "seated";
    const reference = guests.row(id)?.reference;
    const sure = (/** @type {string} */ title, /** @type {string} */ text, /** @type {string} */ verb) => askSure(title, text, verb);
    return el("div", { class: "card" },
      el("div", {}, el("p", { class: "guest-name" }, name ?? (booking.source === "walk_in" ? "Walk-in" : "No name given")),
        el("p", { class: "soft" }, `${partyText(booking.party)} · ${tablesText(where)} · ${BOOKING_WORD[booking.status] ?? booking.status} `,
          late && el("span", { class: "tag tag-warn" }, "late"))),
      held && el("div", {}, el("span", { class: "countdown", "data-until": booking.hold_expires_at }, ""), el("span", { class: "soft" }, " left to pay")),
      !held && this.#arrivals(id, booking, pending),
      el("div", { class: "actions" },
        held && this.#act("confirm", `Confirm, paid at the desk`, "booking:confirm", pending, () => askConfirm(page, id, booking), "button-main"),
        !held && !seated && this.#act("seat", "Seat the party", "booking:seat", pending, () => commands.booking(id, "seat", where, `Seat ${tablesText(where)}`), booking.admitted > 0 ? "button-main" : "wide"),
        seated && this.#act("vacate", "Vacate: the party has left", "table:vacate", pending, () => commands.table(number, "vacate", `Vacate T${number}`), "button-main"),
        this.#act("move", "Move", "booking:move", pending, () => this.move(number)),
        held && this.#act("extend", "Extend hold", "booking:extend", pending, () => commands.run(`Extend ${tablesText(where)}`, where, "POST", `/v1/holds/${id}/extend`)),
        held && this.#act("release", "Let go", "booking:cancel", pending, async () => {
          if (await sure("Let the tables go?", `${tablesText(where)} will be free for anybody at once.`, "Let go")) {
            await commands.run(`Let ${tablesText(where)} go`, where, "DELETE", `/v1/holds/${id}`, null);
          }
        }, "button-danger"),
        !held && !seated && booking.admitted === 0 && this.#act("no-show", "No-show", "booking:no_show", pending, async () => {
          if (await sure("Mark as no-show?", `${name ?? "The party"} never came; ${tablesText(where)} will be free.`, "No-show")) {
            await commands.booking(id, "no-show", where, `No-show ${tablesText(where)}`);
          }
        }, "button-danger"),
        !held && !seated && this.#act("cancel", "Cancel", "booking:cancel", pending, async () => {
          if (await sure("Cancel this booking?", `${name ?? "The party"} loses ${tablesText(where)}. ${booking.paid_pence ? `${pounds(booking.paid_pence)} was paid; give it back at the desk if it is due.` : ""}`, "Cancel the booking")) {
            await commands.booking(id, "cancel", where, `Cancel ${tablesText(where)}`);
          }
        }, "button-danger"),
        this.#act("block", "Block table", "table:block", pending, () => askBlock(page, number))),
      el("dl", { class: "facts" },
        fact("Slot", `${timeText(booking.slot_from)} to ${timeText(booking.slot_until)}`),
        booking.arrived_at && fact("First arrived", timeText(booking.arrived_at)),
        booking.seated_at && fact("Seated", `${timeText(booking.seated_at)} · ${spanText(page.live.clock.now() - ms(booking.seated_at))} ago`),
        booking.deposit_pence !== undefined && fact("Deposit", booking.paid_pence >= booking.deposit_pence && booking.paid_pence > 0
          ? `${pounds(booking.paid_pence)} paid` : `${pounds(booking.paid_pence)} of ${pounds(booking.deposit_pence)} paid`),
        fact("Booked", capital(booking.source)),
        reference && fact("Reference", referenceText(reference))));
  }

  /** Arrivals as figures and as pips, with the buttons that count. @param {string} id @param {any} booking @param {boolean} pending */
  #arrivals(id, booking, pending) {
    const { page } = this;
    const inside = Math.max(0, booking.admitted - booking.left);
    const pips = Array.from({ length: Math.min(booking.party, PIPS_MAX) }, (_, index) =>
      el("i", { class: "pip", "data-in": index < inside ? "" : null, "data-left": index >= inside && index < booking.admitted ? "" : null }));
    const count = (/** @type {"in" | "out"} */ direction) => page.commands.count(id, 1, direction, doorFor(page, booking));
    const may = page.may("scan:create");
    return el("div", { class: "arrivals" },
      el("div", { class: "pips", "aria-hidden": "true" }, pips),
      el("strong", {}, `${inside} of ${booking.party} in`),
      may && el("div", { class: "arrivals-buttons" },
        el("button", { class: "button", type: "button", "data-act": "out", disabled: pending || inside === 0, onclick: () => count("out") }, icon("minus"), "One out"),
        el("button", { class: "button", type: "button", "data-act": "in", disabled: pending || inside >= booking.party, onclick: () => count("in") }, icon("plus"), "One in")));
  }

  /** @param {number} number @param {any} table @param {boolean} pending */
  #resetCard(number, table, pending) {
    const since = this.page.live.clock.now() - ms(table.resetting_since);
    return el("div", { class: "card" },
      el("p", { class: "soft" }, `The party left ${spanText(since)} ago. The table waits to be laid again.`),
      el("div", { class: "actions" },
        this.#act("reset", "Reset: the table is laid", "table:reset", pending, () => this.page.commands.table(number, "reset", `Reset T${number}`), "button-main"),
        this.#act("block", "Block table", "table:block", pending, () => askBlock(this.page, number), "wide")));
  }

  /** @param {number} number @param {any[]} blocks @param {boolean} pending */
  #blockCard(number, blocks, pending) {
    return el("div", { class: "card" },
      blocks.map((block) => el("p", {}, `${BLOCK_REASON[block.reason] ?? capital(block.reason)} · out of service until ${timeText(block.until)}`)),
      el("div", { class: "actions" },
        this.#act("unblock", "Unblock: back in service", "table:block", pending, () => this.page.commands.table(number, "unblock", `Unblock T${number}`), "button-main")));
  }

  /** @param {any} table @param {any} facts */
  #tableCard(table, facts) {
    const capacity = table.capacity ?? facts?.capacity;
    return el("dl", { class: "card facts" },
      capacity && fact("Seats", `${capacity.min} to ${capacity.max}, best ${capacity.optimal}`),
      table.minimum_spend_pence !== undefined && fact("Minimum spend", pounds(table.minimum_spend_pence)),
      table.deposit_pence !== undefined && fact("Deposit", pounds(table.deposit_pence)),
      facts?.features?.length > 0 && fact("Known for", facts.features.join(", ")));
  }

  /** @param {number} from @param {number[]} [first] */
  async move(from, first = []) {
    const { live, chooser, commands } = this.page;
    const { document } = /** @type {any} */ (live.state);
    const id = bookingAt(document.tables[String(from)]);
    const booking = id ? document.bookings[id] : null;
    if (!id || !booking) return;
    if (this.page.selected !== null) this.page.select(null);
    const tables = await chooser.choose({
      title: `Move ${this.page.guests.names[id] ?? partyText(booking.party)} from ${tablesText(booking.tables)}`,
      verb: "Move", party: booking.party, from: booking.tables, slot: [booking.slot_from, booking.slot_until], booking: id,
    }, first);
    if (!tables) return;
    await commands.booking(id, "move", [...booking.tables, ...tables], `Move to ${tablesText(tables)}`, { tables });
  }

  /**
   * A button that is there only for those who may.
   * @param {string} name @param {string} label @param {string} permission @param {boolean} pending @param {() => unknown} act @param {string} [look]
   */
  #act(name, label, permission, pending, act, look = "") {
    if (!this.page.may(permission)) return null;
    return el("button", { class: `button ${look}`, type: "button", "data-act": name, disabled: pending, onclick: act }, label);
  }
}

/** @param {string} term @param {string} value */
function fact(term, value) {
  return [el("dt", {}, term), el("dd", {}, value)];
}

/** The street-side door of the party's floor: where the desk counts. @param {Page} page @param {any} booking */
function doorFor(page, booking) {
  const floor = page.floor.tables.find((/** @type {any} */ table) => table.number === booking.tables[0])?.floor;
  const doors = page.floor.doors.filter((/** @type {any} */ door) => !door.leaves);
  return (doors.find((/** @type {any} */ door) => door.floor === floor) ?? doors[0]).id;
}

/** @param {HTMLElement} place */
function focusName(place) {
  const active = document.activeElement;
  return active instanceof HTMLElement && place.contains(active) ? (active.dataset.act ?? "none") : null;
}
