// @ts-check
/** What lets this browser act for a booking: the hold's own token, or the link to it. */

import { bookingOf, keptToken } from "../manage/link.js";
import { keepHold, keptHold } from "../public/held.js";

/** @typedef {{id: string, token: string, back: "/" | "/manage"}} Key */

/** @param {string} id of the booking @returns {Key | null} null: this browser has none */
export function keyOf(id) {
  const hold = keptHold();
  if (hold?.booking_id === id) return { id, token: hold.token, back: "/" };
  const token = keptToken();
  if (token !== null && bookingOf(token) === id) return { id, token, back: "/manage" };
  return null;
}

/** What became of the booking is known to the page that one goes back to. @param {Key} key @param {any} booking */
export function tellBack(key, booking) {
  const hold = keptHold();
  if (key.back !== "/" || hold?.booking_id !== key.id) return;
  const { deposit: _step, ...rest } = booking;
  keepHold({ ...hold.booking, ...rest, token: hold.token });
}
