// @ts-check
/** How a deposit can be paid here, and what comes back of it: asked for once, and again on need. */

import { read } from "../api.js";
import { dateText, ms, timeText } from "../venue-clock.js";

/**
 * @typedef {{hours_before: number, percent: number, until: string | null}} Step
 * @typedef {{how: "stripe" | "test" | "desk", away: boolean, publishable_key: string | null,
 *   refunds: Step[]}} Ways
 */

const HOUR_MS = 3_600_000;

/** @type {Promise<Ways> | null} */
let asked = null;

/** Raises what the service refused; then the next call asks again. @returns {Promise<Ways>} */
export function askWays() {
  asked ??= read("/v1/payments/ways").catch((error) => {
    asked = null;
    throw error;
  });
  return /** @type {Promise<Ways>} */ (asked);
}

/** It may have changed: the next call asks again. */
export function forgetWays() {
  asked = null;
}

/**
 * What comes back to who cancels, in one sentence; "" when nothing is said about it.
 * @param {Step[]} steps @param {string} slotFrom when the booking begins @param {number} nowMs
 */
export function comesBack(steps, slotFrom, nowMs) {
  if (steps.length === 0) return "";
  const ends = steps.map((step) => [step.percent, ms(slotFrom) - step.hours_before * HOUR_MS]);
  const ahead = ends.filter(([, end]) => end > nowMs);
  if (ahead.length === 0) return "So close to the night the deposit does not come back if you cancel.";
  const parts = ahead.map(
    ([percent, end]) => `${shareOf(percent)} until ${dateText(end)}, ${timeText(end)}`,
  );
  return `If you cancel, ${parts.join("; ")}. Later it stays with the club.`;
}

/** @param {number} percent */
function shareOf(percent) {
  if (percent === 100) return "all of it comes back";
  return percent === 50 ? "half of it comes back" : `${percent} % of it comes back`;
}
