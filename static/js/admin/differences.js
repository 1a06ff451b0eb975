// @ts-check
/** What a line's payload says, in words: what was changed from what to what, and what else. */

import { nightText } from "../venue-clock.js";
import { FLOOR_WORD, capital, pounds } from "../words.js";
import { ROLE_WORD } from "./says.js";
import { whenText } from "./when.js";

/**
 * @typedef {import("./desk.js").Desk} Desk
 * @typedef {{what: string, before: string | null, after: string}} Change
 */

const INSTANT = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/;
const NIGHT = /^\d{4}-\d{2}-\d{2}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;
/** Ids that a name may be known for. @type {Object<string, string>} */
const KIND_OF = { staff_id: "staff", device_id: "device" };
/** What null stands for. @type {Object<string, string>} */
const NONE = { floor: "everywhere", door: "every door", night: "every night" };

/** What `before` and `after` say differently. @param {any} payload @param {Desk} desk @returns {Change[]} */
export function changesOf(payload, desk) {
  const { before = null, after = null } = payload;
  if (after === null || typeof after !== "object") return [];
  return Object.keys({ ...before, ...after })
    .filter((name) => before === null || !same(before[name], after[name]))
    .filter((name) => before !== null || (after[name] ?? null) !== null)
    .map((name) => ({
      what: wordsOf(name),
      before: before === null ? null : valueText(name, before[name], desk),
      after: valueText(name, after[name], desk),
    }));
}

/** The rest of the payload: "Kind tablet", "Until 21 Nov 2026 22:31". @param {any} payload @param {Desk} desk */
export function factsOf(payload, desk) {
  return Object.entries(payload)
    .filter(([name, value]) => !["before", "after"].includes(name) && says(value))
    .map(([name, value]) =>
      value === true ? wordsOf(name) : `${wordsOf(name)} ${valueText(name, value, desk)}`,
    );
}

/** @param {any} value */
function says(value) {
  return value !== null && value !== false && value !== "" && !(Array.isArray(value) && !value.length);
}

/** @param {any} one @param {any} other */
function same(one, other) {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** "deposit_pence" as "Deposit". @param {string} name */
function wordsOf(name) {
  return capital(name.replace(/_(pence|id|at)$/, "")) || name;
}

/** @param {string} name @param {any} value @param {Desk} desk @returns {string} */
function valueText(name, value, desk) {
  if (value === null || value === undefined) return NONE[name] ?? "nothing";
  if (name.endsWith("_pence") && typeof value === "number") return pounds(value);
  if (name === "door") return desk.doorName(value);
  if (name === "floor") return FLOOR_WORD[value] ?? value;
  if (name in KIND_OF && typeof value === "string") return desk.nameOf(`${KIND_OF[name]}:${value}`);
  if (typeof value === "string") {
    if (INSTANT.test(value)) return whenText(value);
    if (NIGHT.test(value)) return nightText(value);
    if (UUID.test(value)) return value.slice(0, 8);
    return ROLE_WORD[value] ?? value.replaceAll("_", " ");
  }
  if (Array.isArray(value)) return value.map((one) => valueText("", one, desk)).join(", ");
  if (typeof value === "object")
    return Object.entries(value)
      .map(([key, one]) => `${wordsOf(key).toLowerCase()} ${valueText(key, one, desk)}`)
      .join(", ");
  return String(value);
}
