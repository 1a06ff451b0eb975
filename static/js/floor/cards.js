// @ts-check
/** The cards of the action sheet: what is true of a table, and what may be done about it now. */

import { askSure } from "../dialog.js";
import { el, fact } from "../elements.js";
import { icon } from "../icons.js";
import { isLate } from "../picture.js";
import { ms, spanText, timeText } from "../venue-clock.js";
import {
  BLOCK_REASON,
  BOOKING_WORD,
  capital,
  partyText,
  pounds,
  referenceText,
  tablesText,
} from "../words.js";
import { askChange } from "./changes.js";
import { askSeries } from "./series.js";
import { askBlock, askConfirm, askParty, streetDoors } from "./forms.js";
import { needsSomebody, standingMark, standingOf } from "./money.js";
import { wishLines } from "./wishes.js";

/** @typedef {import("./page.js").Page} Page */

const PIPS_MAX = 16;

/** A free table: who may sit here. @param {Page} page @param {number} number @param {boolean} pending */
export function freeCard(page, number, pending) {
  const tonight = page.when() === "tonight";
  return el(
    "div",
    { class: "card actions" },
    tonight &&
      action(
        page,
        "walk-in",
        "Seat a walk-in",
        "walk_in:create",
        pending,
        () => askParty(page, "walk-in", [number]),
        "button-main",
      ),
    action(
      page,
      "hold",
      "Hold for a party",
      "hold:desk",
      pending,
      () => askParty(page, "hold", [number]),
      tonight ? "" : "button-main",
    ),
    action(page, "series", "Every week…", "booking:series", pending, () => askSeries(page, number)),
    action(page, "block", "Block", "table:block", pending, () => askBlock(page, number)),
    tonight && givenUp(page, number, pending),
  );
}

/** Parties whose claim to this table was given up: they may come after all. @param {Page} page @param {number} number @param {boolean} pending */
function givenUp(page, number, pending) {
  return page.guests.rows
    .filter((row) => row.status === "no_show" && row.tables.includes(number))
    .map((row) =>
      action(
        page,
        "reinstate",
        `${row.name ?? partyText(row.party)} came after all`,
        "booking:no_show",
        pending,
        () =>
          page.commands.booking(
            row.booking_id,
            "reinstate",
            row.tables,
            `Back to ${tablesText(row.tables)}`,
          ),
        "wide",
      ),
    );
}

/**
 * The party that the table speaks of, and what may be done with it.
 * @param {Page} page @param {string} id @param {any} booking @param {number} number @param {boolean} pending
 */
export function bookingCard(page, id, booking, number, pending) {
  const { commands, guests } = page;
  const where = booking.tables;
  const late = isLate(booking, page.live.clock.now(), page.floor.grace_minutes ?? 30);
  const name = guests.names[id];
  const held = booking.status === "pending";
  const seated = booking.status === "seated";
  const when = page.when(); // nobody comes in, or sits down, on another night
  const reference = guests.row(id)?.reference;
  const standing = standingOf(booking, page.money.of(id, booking));
  return el(
    "div",
    { class: "card" },
    el(
      "div",
      {},
      el(
        "p",
        { class: "guest-name" },
        name ?? (booking.source === "walk_in" ? "Walk-in" : "No name given"),
      ),
      el(
        "p",
        { class: "soft" },
        `${partyText(booking.party)} · ${tablesText(where)} · ${BOOKING_WORD[booking.status] ?? booking.status} `,
        late && el("span", { class: "tag tag-warn" }, booking.overdue ? "overdue" : "late"),
      ),
      needsSomebody(standing) && el("p", {}, standingMark(standing)),
    ),
    wishLines(page.wishes.of(id, booking)),
    held &&
      el(
        "div",
        {},
        el("span", { class: "countdown", "data-until": booking.hold_expires_at }, ""),
        el("span", { class: "soft" }, " left to pay"),
      ),
    !held && when !== "coming" && arrivals(page, id, booking, pending),
    el(
      "div",
      { class: "actions" },
      held &&
        action(
          page,
          "confirm",
          `Confirm, paid at the desk`,
          "booking:confirm",
          pending,
          () => askConfirm(page, id, booking),
          "button-main",
        ),
      !held &&
        !seated &&
        when === "tonight" &&
        action(
          page,
          "seat",
          "Seat the party",
          "booking:seat",
          pending,
          () => commands.booking(id, "seat", where, `Seat ${tablesText(where)}`),
          booking.admitted > 0 ? "button-main" : "wide",
        ),
      seated &&
        action(
          page,
          "vacate",
          "Vacate: the party has left",
          "table:vacate",
          pending,
          () => commands.table(number, "vacate", `Vacate T${number}`),
          "button-main",
        ),
      action(page, "move", "Move", "booking:move", pending, () => page.sheet.move(number)),
      action(page, "change", "Change…", "booking:change", pending, () =>
        askChange(page, id, booking),
      ),
      held &&
        action(page, "extend", "Extend hold", "booking:extend", pending, () =>
          commands.run(`Extend ${tablesText(where)}`, where, "POST", `/v1/holds/${id}/extend`),
        ),
      held &&
        action(
          page,
          "release",
          "Let go",
          "booking:cancel",
          pending,
          async () => {
            if (
              await askSure(
                "Let the tables go?",
                `${tablesText(where)} will be free for anybody at once.`,
                "Let go",
              )
            ) {
              await commands.run(
                `Let ${tablesText(where)} go`,
                where,
                "DELETE",
                `/v1/holds/${id}`,
                null,
              );
            }
          },
          "button-danger",
        ),
      !held &&
        !seated &&
        when !== "coming" &&
        booking.admitted === 0 &&
        action(
          page,
          "no-show",
          "No-show",
          "booking:no_show",
          pending,
          async () => {
            if (
              await askSure(
                "Mark as no-show?",
                `${name ?? "The party"} never came; ${tablesText(where)} will be free.`,
                "No-show",
              )
            ) {
              await commands.booking(id, "no-show", where, `No-show ${tablesText(where)}`);
            }
          },
          "button-danger",
        ),
      !held &&
        !seated &&
        action(
          page,
          "cancel",
          "Cancel",
          "booking:cancel",
          pending,
          async () => {
            if (
              await askSure(
                "Cancel this booking?",
                `${name ?? "The party"} loses ${tablesText(where)}.${backText(page, id, booking)}`,
                "Cancel the booking",
              )
            ) {
              await commands.booking(id, "cancel", where, `Cancel ${tablesText(where)}`);
            }
          },
          "button-danger",
        ),
      action(page, "block", "Block table", "table:block", pending, () => askBlock(page, number)),
    ),
    el(
      "dl",
      { class: "facts" },
      fact("Slot", `${timeText(booking.slot_from)} to ${timeText(booking.slot_until)}`),
      booking.arrived_at && fact("First arrived", timeText(booking.arrived_at)),
      booking.seated_at &&
        fact(
          "Seated",
          `${timeText(booking.seated_at)} · ${spanText(page.live.clock.now() - ms(booking.seated_at))} ago`,
        ),
      booking.deposit_pence !== undefined &&
        fact("Deposit", `${pounds(booking.paid_pence)} of ${pounds(booking.deposit_pence)} paid`),
      fact("Booked", capital(booking.source)),
      reference && fact("Reference", referenceText(reference)),
    ),
    // Shown to who may see amounts; a walk-in without a deposit has no money of its own.
    booking.deposit_pence !== undefined &&
      (booking.deposit_pence > 0 || booking.paid_pence > 0) &&
      el("div", { class: "card money" }, page.money.view(id, booking, page.money.of(id, booking))),
  );
}

/** What cancelling does with the money, as far as it is known. @param {Page} page @param {string} id @param {any} booking */
function backText(page, id, booking) {
  if (!booking.paid_pence) return "";
  const money = page.money.of(id, booking);
  if (money === null) return ` ${pounds(booking.paid_pence)} was paid; what comes back follows its terms.`;
  const due = money.refund_due_pence;
  if (due === 0) return ` ${pounds(booking.paid_pence)} was paid; by its terms nothing comes back.`;
  const desk = money.payments.some((/** @type {any} */ one) => one.method !== "online");
  return ` ${pounds(due)} of ${pounds(booking.paid_pence)} comes back by its terms${desk ? ": what was paid at the desk is given back there" : ", to the card by itself"}.`;
}

/** Arrivals as figures and as pips, with the buttons that count. @param {Page} page @param {string} id @param {any} booking @param {boolean} pending */
function arrivals(page, id, booking, pending) {
  const inside = Math.max(0, booking.admitted - booking.left);
  const pips = Array.from({ length: Math.min(booking.party, PIPS_MAX) }, (_, index) =>
    el("i", {
      class: "pip",
      "data-in": index < inside ? "" : null,
      "data-left": index >= inside && index < booking.admitted ? "" : null,
    }),
  );
  const count = (/** @type {"in" | "out"} */ direction) =>
    page.commands.count(id, 1, direction, doorFor(page, booking));
  const may = page.may("scan:create") && page.when() === "tonight";
  return el(
    "div",
    { class: "arrivals" },
    el("div", { class: "pips", "aria-hidden": "true" }, pips),
    el("strong", {}, `${inside} of ${booking.party} in`),
    may &&
      el(
        "div",
        { class: "arrivals-buttons" },
        el(
          "button",
          {
            class: "button",
            type: "button",
            "data-act": "out",
            disabled: pending || inside === 0,
            onclick: () => count("out"),
          },
          icon("minus"),
          "One out",
        ),
        el(
          "button",
          {
            class: "button",
            type: "button",
            "data-act": "in",
            disabled: pending || inside >= booking.party,
            onclick: () => count("in"),
          },
          icon("plus"),
          "One in",
        ),
      ),
  );
}

/** A table that waits to be laid. @param {Page} page @param {number} number @param {any} table @param {boolean} pending */
export function resetCard(page, number, table, pending) {
  const since = page.live.clock.now() - ms(table.resetting_since);
  return el(
    "div",
    { class: "card" },
    el(
      "p",
      { class: "soft" },
      `The party left ${spanText(since)} ago. The table waits to be laid again.`,
    ),
    el(
      "div",
      { class: "actions" },
      action(
        page,
        "reset",
        "Reset: the table is laid",
        "table:reset",
        pending,
        () => page.commands.table(number, "reset", `Reset T${number}`),
        "button-main",
      ),
      action(
        page,
        "block",
        "Block table",
        "table:block",
        pending,
        () => askBlock(page, number),
        "wide",
      ),
    ),
  );
}

/** A table out of service. @param {Page} page @param {number} number @param {any[]} blocks @param {boolean} pending */
export function blockCard(page, number, blocks, pending) {
  return el(
    "div",
    { class: "card" },
    blocks.map((block) =>
      el(
        "p",
        {},
        `${BLOCK_REASON[block.reason] ?? capital(block.reason)} · out of service until ${timeText(block.until)}`,
      ),
    ),
    el(
      "div",
      { class: "actions" },
      action(
        page,
        "unblock",
        "Unblock: back in service",
        "table:block",
        pending,
        () => page.commands.table(number, "unblock", `Unblock T${number}`),
        "button-main",
      ),
    ),
  );
}

/** What does not change in a night. @param {any} table @param {any} facts */
export function tableCard(table, facts) {
  const capacity = table.capacity ?? facts?.capacity;
  return el(
    "dl",
    { class: "card facts" },
    capacity && fact("Seats", `${capacity.min} to ${capacity.max}, best ${capacity.optimal}`),
    table.minimum_spend_pence !== undefined &&
      fact("Minimum spend", pounds(table.minimum_spend_pence)),
    table.deposit_pence !== undefined && fact("Deposit", pounds(table.deposit_pence)),
    facts?.features?.length > 0 && fact("Known for", facts.features.join(", ")),
  );
}

/**
 * A button that is there only for those who may.
 * @param {Page} page @param {string} name @param {string} label @param {string} permission @param {boolean} pending @param {() => unknown} act @param {string} [look]
 */
function action(page, name, label, permission, pending, act, look = "") {
  if (!page.may(permission)) return null;
  return el(
    "button",
    { class: `button ${look}`, type: "button", "data-act": name, disabled: pending, onclick: act },
    label,
  );
}

/** The street-side door of the party's floor: where the desk counts. @param {Page} page @param {any} booking */
function doorFor(page, booking) {
  const floor = page.floor.tables.find(
    (/** @type {any} */ table) => table.number === booking.tables[0],
  )?.floor;
  const doors = streetDoors(page);
  return (doors.find((door) => door.floor === floor) ?? doors[0]).id;
}
