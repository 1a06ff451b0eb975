// @ts-check
/** Tonight's list as rows: who is expected, who is in. Pure arithmetic on the door's document. */

import { ms } from "../venue-clock.js";

/**
 * @typedef {{names: Object<string, string>, references: Object<string, string>}} GuestList
 * @typedef {{
 *   id: string, name: string, party: number, tables: number[], in: number, admitted: number,
 *   left: number, from: string, state: "waiting" | "some" | "all" | "unpaid" | "over",
 *   late: boolean, walkIn: boolean,
 * }} Party
 */

/**
 * A list that was given a day ahead, as the door's document and its names.
 * @param {Object<string, any>} list @returns {{night: string, document: any, guests: GuestList, at: string}}
 */
export function aheadOf(list) {
  /** @type {Object<string, any>} */
  const bookings = {};
  /** @type {GuestList} */
  const guests = { names: {}, references: {} };
  for (const one of list.tickets) {
    const { booking_id: id, status, party, admitted, gone, tables, slot_from } = one;
    bookings[id] = { status, party, admitted, left: gone, tables, slot_from, source: "" };
    if (one.name) guests.names[id] = one.name;
    guests.references[id] = one.reference;
  }
  return { night: list.night, document: { bookings }, guests, at: list.now };
}

/**
 * The document with those whom this tablet let in and has not told of yet.
 * @param {import("../hash.js").FloorDocument} document @param {Map<string, number>} untold
 * @returns {import("../hash.js").FloorDocument}
 */
export function withUntold(document, untold) {
  if (untold.size === 0) return document;
  const bookings = { ...document.bookings };
  for (const [id, people] of untold)
    if (bookings[id]) bookings[id] = { ...bookings[id], admitted: bookings[id].admitted + people };
  return { ...document, bookings };
}

const OVER = new Set(["completed", "cancelled", "no_show", "expired", "released"]);

/**
 * Those who may still come first, by their hour; then those who are all in; what is over is left out.
 * @param {import("../hash.js").FloorDocument} document
 * @param {GuestList} guests @param {number} nowMs @param {number} graceMinutes
 * @returns {Party[]}
 */
export function parties(document, guests, nowMs, graceMinutes) {
  const order = { waiting: 0, some: 0, unpaid: 1, all: 2, over: 3 };
  return Object.entries(document.bookings)
    .filter(([, booking]) => !OVER.has(booking.status))
    .map(([id, booking]) => partyOf(id, booking, guests, nowMs, graceMinutes))
    .sort(
      (a, b) =>
        order[a.state] - order[b.state] ||
        ms(a.from) - ms(b.from) ||
        a.name.localeCompare(b.name, "en") ||
        a.id.localeCompare(b.id),
    );
}

/**
 * @param {string} id @param {Object<string, any>} booking @param {GuestList} guests
 * @param {number} nowMs @param {number} graceMinutes @returns {Party}
 */
function partyOf(id, booking, guests, nowMs, graceMinutes) {
  const { party, admitted, left } = booking;
  return {
    id,
    name: guests.names[id] ?? "",
    party,
    tables: booking.tables,
    in: Math.max(0, admitted - left),
    admitted,
    left,
    from: booking.slot_from,
    state:
      booking.status === "pending"
        ? "unpaid"
        : admitted >= party && left === 0 // who went out may come back
          ? "all"
          : admitted > 0
            ? "some"
            : "waiting",
    late:
      booking.status === "confirmed" &&
      admitted === 0 &&
      nowMs > ms(booking.slot_from) + graceMinutes * 60_000,
    walkIn: booking.source === "walk_in",
  };
}

/** "12 of 48 parties · 61 of 210 people have come". @param {Party[]} all */
export function arrivalsText(all) {
  const real = all.filter(({ state }) => state !== "unpaid");
  const people = real.reduce((sum, { party }) => sum + party, 0);
  const come = real.reduce((sum, { party, admitted }) => sum + Math.min(party, admitted), 0);
  const parties = real.filter(({ admitted }) => admitted > 0).length;
  return `${parties} of ${real.length} parties · ${come} of ${people} people have come`;
}

/**
 * The parties whose shown name or table the text fits: what can be found without the server, which
 * alone knows the whole names.
 * @param {Party[]} all @param {string} text @param {Set<string>} [found] ids that the server found
 */
export function findIn(all, text, found) {
  const wanted = plain(text);
  return all.filter((one) => found?.has(one.id) || plain(one.name).includes(wanted));
}

/** @param {string} text */
function plain(text) {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLocaleLowerCase("en")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
