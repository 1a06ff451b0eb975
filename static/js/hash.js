// @ts-check
/**
 * The hash that proves two ends see the same floor: CRC-32 over one canonical spelling.
 *
 * Canonical: the five sections as one JSON object, keys sorted, no spaces, every character beyond
 * ASCII escaped, numbers only as integers. The service spells it the same way; both are held to
 * the vectors in `tests/cases/state_hash.json`.
 */

/** @typedef {Object<string, any>} Section */
/** @typedef {{night: Section, tables: Section, bookings: Section, counts: Section,
 *   waitlist: Section}} FloorDocument */

export const SECTIONS = /** @type {const} */ (["night", "tables", "bookings", "counts", "waitlist"]);

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

/**
 * The one spelling of a document that both ends hash.
 * @param {Partial<FloorDocument>} document
 * @returns {string} ASCII
 */
export function canonical(document) {
  const whole = Object.fromEntries(SECTIONS.map((name) => [name, document[name] ?? {}]));
  return spell(whole).replace(
    /[\u0080-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/**
 * Eight lower-case hexadecimal digits.
 * @param {Partial<FloorDocument>} document
 */
export function stateHash(document) {
  const text = canonical(document);
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index += 1) {
    crc = TABLE[(crc ^ text.charCodeAt(index)) & 0xff] ^ (crc >>> 8);
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

/** @param {any} value @returns {string} */
function spell(value) {
  if (Array.isArray(value)) return `[${value.map(spell).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${spell(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
