// @ts-check
/**
 * The hold or booking made on this device, as this browser's own storage keeps it. The owner's
 * token came once, with the hold.
 */

const KEY = "backroom.hold";

/** @typedef {{booking_id: string, token: string, booking: any}} Kept */

/** @returns {Kept | null} */
export function keptHold() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "null");
  } catch {
    return null;
  }
}

/** @param {any} booking with its token */
export function keepHold(booking) {
  localStorage.setItem(
    KEY,
    JSON.stringify({ booking_id: booking.booking_id, token: booking.token, booking }),
  );
}

export function dropHold() {
  localStorage.removeItem(KEY);
}
