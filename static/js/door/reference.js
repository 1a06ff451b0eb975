// @ts-check
/**
 * What a person typed at the door: a code, a reference with its check character, or a name. Pure.
 *
 * The reference is Crockford's Base32: sixteen characters and a check character, which is the value
 * modulo 37. `app/domain/references.py` is the judge; here a slip is told while it is typed.
 */

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECKS = `${DIGITS}*~$=U`;
const LENGTH = 16;
const NAME = /^[\p{L}\p{M}][\p{L}\p{M}' .’-]{0,79}$/u;

/**
 * @typedef {"empty" | "code" | "name" | "reference" | "unfinished" | "slip" | "other"} Kind
 *   `reference`: whole, and its check character is right; `slip`: whole and wrong; `unfinished`:
 *   the beginning of one.
 */

/** @param {string} text @returns {Kind} */
export function kindOf(text) {
  const said = text.trim();
  if (!said) return "empty";
  if (/^BR\d+:/i.test(said)) return "code";
  const plain = plainOf(said);
  const body = /^[0-9A-TV-Z]+$/.test(plain.slice(0, LENGTH));
  if (body && plain.length === LENGTH + 1 && CHECKS.includes(plain[LENGTH])) {
    if (checkOf(plain.slice(0, LENGTH)) === plain[LENGTH]) return "reference";
    // Seventeen letters may be a surname; with a figure among them it is a reference mistyped.
    return /\d/.test(plain) ? "slip" : "name";
  }
  if (NAME.test(said)) return "name";
  if (body && plain.length <= LENGTH && /\d/.test(plain)) return "unfinished";
  return "other";
}

/** How many of the seventeen characters are still to come. @param {string} text */
export function missing(text) {
  return Math.max(0, LENGTH + 1 - plainOf(text).length);
}

/** The check character of sixteen. @param {string} body */
function checkOf(body) {
  let rest = 0;
  for (const character of body) rest = (rest * 32 + DIGITS.indexOf(character)) % 37;
  return CHECKS[rest];
}

/** Without spaces and hyphens, in capitals, look-alikes read; the check character stays as it is. @param {string} text */
export function plainOf(text) {
  const bare = text.replace(/[ -]/g, "").toUpperCase();
  const alike = /** @type {Object<string, string>} */ ({ O: "0", I: "1", L: "1" });
  return bare.slice(0, LENGTH).replace(/[OIL]/g, (one) => alike[one]) + bare.slice(LENGTH);
}
