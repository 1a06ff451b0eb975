// @ts-check
/** What the map says of each table at an instant: pure arithmetic on the night's document. */

import { FLOOR_WORD, STATUS_WORD, partyText, shortName } from "./words.js";
import { countdownText, ms, timeText } from "./venue-clock.js";

/**
 * @typedef {import("./hash.js").FloorDocument} FloorDocument
 * @typedef {Object<string, any>} Booking
 * @typedef {{
 *   number: number, status: string, word: string, party: string, arrivals: string, badge: string,
 *   late: boolean, urgent: boolean, free: boolean, booking: string | null, spoken: string,
 * }} TablePicture
 */

const URGENT_MS = 2 * 60_000; // a hold in its last two minutes is drawn to the eye
const NAME_LENGTH = 10; // what fits inside a booth's seats

/**
 * The booking that a table's picture speaks of: who sits there, else who comes first.
 * @param {Object<string, any>} table @returns {string | null}
 */
export function bookingAt(table) {
  return table.occupied_by ?? table.claims?.[0] ?? null;
}

/**
 * A party is late when its slot began longer ago than the grace and nobody of it has come.
 * @param {Booking | undefined} booking @param {number} nowMs @param {number} graceMinutes
 */
export function isLate(booking, nowMs, graceMinutes) {
  return (
    booking !== undefined &&
    booking.status === "confirmed" &&
    booking.admitted === 0 &&
    nowMs > ms(booking.slot_from) + graceMinutes * 60_000
  );
}

/**
 * @param {number} number
 * @param {FloorDocument} document
 * @param {{names: Object<string, string>, nowMs: number, graceMinutes: number}} context
 * @returns {TablePicture}
 */
export function tablePicture(number, document, context) {
  const table = document.tables[String(number)] ?? { status: "available", claims: [] };
  const id = bookingAt(table);
  const booking = id ? document.bookings[id] : undefined;
  const { status } = table;
  const late = isLate(booking, context.nowMs, context.graceMinutes);
  const left = booking?.hold_expires_at ? ms(booking.hold_expires_at) - context.nowMs : Infinity;
  const held = status === "held" && Number.isFinite(left);
  const word = held ? `Held ${countdownText(left)}` : (STATUS_WORD[status] ?? status);
  const shown = booking !== undefined && status !== "resetting" && status !== "maintenance";
  const name = (shown && id && context.names[id]) || "";
  const arrivals = shown && booking ? arrivalsText(booking) : "";
  const next = nextClaim(table, document, id);
  const badge = late ? "late" : next ? `next ${timeText(next.slot_from)}` : "";
  return {
    number,
    status,
    word,
    late,
    badge,
    urgent: held && left < URGENT_MS,
    free: status === "available",
    booking: shown ? id : null,
    party: name ? shortName(name, NAME_LENGTH) : shown && booking ? partyText(booking.party) : "",
    arrivals,
    spoken: [
      `Table ${number}`,
      STATUS_WORD[status] ?? status,
      name,
      shown && booking ? `${partyText(booking.party)}, ${booking.admitted} in` : "",
      late ? "late" : "",
      next ? `next at ${timeText(next.slot_from)}` : "",
    ]
      .filter(Boolean)
      .join(", "),
  };
}

/** "3 of 6"; those who left again are not counted as inside. @param {Booking} booking */
export function arrivalsText(booking) {
  if (booking.status === "pending") return `for ${booking.party}`;
  const inside = Math.max(0, booking.admitted - booking.left);
  return `${inside} of ${booking.party}`;
}

/**
 * The claim after the one that the picture speaks of, when it is for a later hour.
 * @param {Object<string, any>} table @param {FloorDocument} document @param {string | null} shown
 * @returns {Booking | null}
 */
export function nextClaim(table, document, shown) {
  const now = shown ? document.bookings[shown] : undefined;
  for (const id of table.claims ?? []) {
    const claim = document.bookings[id];
    if (id !== shown && claim && (!now || claim.slot_from > now.slot_from)) return claim;
  }
  return null;
}

/** How many tables have each status. @param {FloorDocument} document @returns {Map<string, number>} */
export function statusCounts(document) {
  const counts = new Map(Object.keys(STATUS_WORD).map((status) => [status, 0]));
  for (const table of Object.values(document.tables)) {
    counts.set(table.status, (counts.get(table.status) ?? 0) + 1);
  }
  return counts;
}

/**
 * People inside against the legal limit, per floor and in the house.
 * @param {FloorDocument} document
 * @returns {{name: string, word: string, inside: number, limit: number, level: "calm" | "warn" | "full"}[]}
 */
export function crowds(document) {
  const { inside = {}, limits = {} } = document.counts;
  const floors = Object.keys(inside).sort().reverse(); // upstairs first
  const all = [
    ...floors.map((name) => [name, inside[name]]),
    ["house", sum(Object.values(inside))],
  ];
  return all
    .filter(([name]) => limits[name] !== undefined)
    .map(([name, people]) => {
      const limit = limits[name];
      const level = people >= limit ? "full" : people >= 0.9 * limit ? "warn" : "calm";
      return { name, word: FLOOR_WORD[name] ?? name, inside: people, limit, level };
    });
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}
