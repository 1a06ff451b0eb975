// @ts-check
/**
 * The link that opened this page. Its token comes behind the `#`, which no browser sends to any
 * server, and leaves the address bar at once: a picture of the screen, the history or a forwarded
 * address would hand the booking on. It lasts as long as the tab, unless it is kept on purpose.
 */

import { subjectOf, takeFromAddress } from "../signed-link.js";

const KEY = "backroom.manage";

/** The token, from the address or from before; null: there is none. @returns {string | null} */
export function takeToken() {
  takeFromAddress(KEY);
  return keptToken();
}

/** The token that this tab or phone has, whatever its address says. @returns {string | null} */
export function keptToken() {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

/** Whether this phone opens the booking without the link from now on. */
export function isKept() {
  return localStorage.getItem(KEY) !== null;
}

/** @param {string} token */
export function keep(token) {
  localStorage.setItem(KEY, token);
}

/** This phone knows nothing of the booking any more, this tab excepted. */
export function forget() {
  localStorage.removeItem(KEY);
}

/** The link is over: neither tab nor phone keeps it. */
export function drop() {
  sessionStorage.removeItem(KEY);
  forget();
}

/** The booking that a link is of. Null: not in its form. @param {string} token */
export function bookingOf(token) {
  return subjectOf("mng_", token);
}
