// @ts-check
/**
 * BR1 in the browser: the text of a QR code read as scanners/codes/tickets.py reads it, in the same
 * order (length and alphabet; 93 bytes; the same text again; format, venue, type; key; signature).
 * A code is a secret: it is in no message and no log.
 */

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const PREFIX = "BR1:";
const CODE_LENGTH = 144;
const BODY_LENGTH = 29;
const WHOLE_LENGTH = 93;
const DOMAIN = new TextEncoder().encode("backroom-ticket-v1\0");

/**
 * @typedef {{
 *   key_id: number, type: number, generation: number, ticket_id: string, venue: number, not_before: number,
 *   valid_minutes: number, party: number,
 * }} Claims
 * @typedef {{claims: Claims, refused: null} | {claims: null, refused: string}} Read
 */

/** The bytes of a Base45 text; null: of none (RFC 9285). @param {string} text */
export function decode45(text) {
  if (text.length % 3 === 1) return null;
  const bytes = [];
  for (let start = 0; start < text.length; start += 3) {
    const group = text.slice(start, start + 3);
    let number = 0;
    for (let at = group.length - 1; at >= 0; at -= 1) {
      const value = ALPHABET.indexOf(group[at]);
      if (value < 0) return null;
      number = number * 45 + value;
    }
    const width = group.length - 1;
    if (number >= 256 ** width) return null;
    if (width === 2) bytes.push(number >> 8);
    bytes.push(number & 255);
  }
  return new Uint8Array(bytes);
}

/** The one Base45 text of the bytes. @param {Uint8Array} bytes */
export function encode45(bytes) {
  let text = "";
  for (let start = 0; start < bytes.length; start += 2) {
    const pair = bytes.subarray(start, start + 2);
    let number = pair.length === 2 ? pair[0] * 256 + pair[1] : pair[0];
    for (let digit = 0; digit <= pair.length; digit += 1) {
      text += ALPHABET[number % 45];
      number = Math.floor(number / 45);
    }
  }
  return text;
}

/**
 * What the code states once all but its time is proven.
 * @param {string} text @param {Map<number, CryptoKey>} keys @param {number} venue
 * @returns {Promise<Read>}
 */
export async function readCode(text, keys, venue) {
  if (text.length !== CODE_LENGTH || !text.startsWith(PREFIX)) return refused("not_our_code");
  const data = decode45(text.slice(PREFIX.length));
  if (data === null || data.length !== WHOLE_LENGTH || PREFIX + encode45(data) !== text)
    return refused("not_our_code");
  const body = data.subarray(0, BODY_LENGTH);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (body[0] !== 1) return refused("not_our_code");
  if (view.getUint16(20) !== venue) return refused("wrong_venue");
  if (body[2] !== 1 && body[2] !== 2) return refused("not_our_code");
  const key = keys.get(body[1]);
  if (!key) return refused("unknown_key");
  const signed = new Uint8Array([...DOMAIN, ...body]);
  const signature = data.slice(BODY_LENGTH);
  if (!(await crypto.subtle.verify("Ed25519", key, signature, signed)))
    return refused("bad_signature");
  return {
    claims: {
      key_id: body[1], type: body[2], generation: body[3], ticket_id: uuidOf(body.subarray(4, 20)),
      venue: view.getUint16(20), not_before: view.getUint32(22), valid_minutes: view.getUint16(26),
      party: body[28],
    },
    refused: null,
  };
}

/**
 * The public keys by number, as `GET /v1/devices/self/door` gives them; null: this browser has no
 * Ed25519, and nothing can be proven on it. Of one number the later night counts.
 * @param {{key_id: number, public: string}[]} nights @returns {Promise<Map<number, CryptoKey> | null>}
 */
export async function importKeys(nights) {
  /** @type {Map<number, CryptoKey>} */
  const keys = new Map();
  try {
    for (const night of nights) {
      const raw = Uint8Array.from(atob(night.public), (c) => c.charCodeAt(0));
      keys.set(night.key_id, await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]));
    }
  } catch {
    return null;
  }
  return keys;
}

/** @param {string} reason @returns {Read} */
function refused(reason) {
  return { claims: null, refused: reason };
}

/** @param {Uint8Array} bytes */
function uuidOf(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20),
  ].join("-");
}
