// @ts-check
/** Instants as the administration shows them. */

import { dateText, secondsText, timeText } from "../venue-clock.js";
import { el } from "../elements.js";

const MINUTE_MS = 60_000;

/** "21 Nov 22:31", in the venue's time. @param {string} instant */
export function whenText(instant) {
  return `${dateText(instant)} ${timeText(instant)}`;
}

/** An instant of the past, in the words of a person who looks now. @param {string | null} instant @param {number} now */
export function sinceText(instant, now) {
  if (!instant) return "";
  const minutes = Math.floor((now - Date.parse(instant)) / MINUTE_MS);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 12 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return whenText(instant);
}

/** The same as an element that tells the whole instant. @param {string | null} instant @param {number} now @param {string} [never] */
export function since(instant, now, never = "Never") {
  if (!instant) return el("span", { class: "faint" }, never);
  const title = `${dateText(instant)} ${secondsText(instant)}`;
  return el("time", { datetime: instant, title }, sinceText(instant, now));
}

/** @param {string} instant */
export function at(instant) {
  return el("time", { datetime: instant }, whenText(instant));
}
