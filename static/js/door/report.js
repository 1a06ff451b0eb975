// @ts-check
/** What a paired tablet tells of itself: its battery, its version, the scans without a verdict. */

import { send } from "../api.js";

export const VERSION = "0.1.0";
const EVERY_MS = 60_000;

/** Tells now, and then every minute. @param {() => number} spool scans without a verdict */
export function reportOn(spool) {
  report(spool);
  window.setInterval(() => report(spool), EVERY_MS);
}

/** @param {() => number} spool */
async function report(spool) {
  const status = { battery_percent: await battery(), version: VERSION, spool: spool() };
  // A report that does not arrive is followed by the next one; the screen itself says what is wrong
  // with the link or the pairing.
  await send("POST", "/v1/devices/self/status", status, { attempts: 1 }).catch(() => null);
}

/** In percent; null where the browser does not tell. @returns {Promise<number | null>} */
async function battery() {
  const ask = /** @type {any} */ (navigator).getBattery;
  if (!ask) return null;
  try {
    return Math.round((await ask.call(navigator)).level * 100);
  } catch {
    return null;
  }
}
