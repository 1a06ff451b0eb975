// @ts-check
/** The words and figures of the screens, each said in one way. */

/** @type {Object<string, string>} */
export const STATUS_WORD = {
  available: "Available",
  reserved: "Reserved",
  held: "Held",
  occupied: "Occupied",
  resetting: "Resetting",
  maintenance: "Maintenance",
};
export const STATUSES = Object.keys(STATUS_WORD);

/** @type {Object<string, string>} */
export const BOOKING_WORD = {
  pending: "Held",
  confirmed: "Confirmed",
  seated: "Seated",
  completed: "Completed",
  cancelled: "Cancelled",
  no_show: "No-show",
  merged: "Joined",
  expired: "Expired",
  waitlisted: "Waiting list",
};

/** @type {Object<string, string>} */
export const LINK_WORD = {
  connecting: "connecting",
  live: "live",
  stale: "stale",
  delayed: "delayed",
  reconnecting: "reconnecting",
  signed_out: "signed out",
  revoked: "access ended",
};

/** @type {Object<string, string>} */
export const FLOOR_WORD = { upstairs: "Upstairs", downstairs: "Downstairs", house: "House" };

/** @type {Object<string, string>} */
export const BLOCK_REASON = {
  spill: "Spill",
  broken: "Broken",
  maintenance: "Maintenance",
  safety: "Safety",
  club_use: "Club use",
  other: "Other",
};

/** Why a code is issued again. @type {Object<string, string>} */
export const REISSUE_WHY = {
  lost: "It was lost",
  shared: "Somebody else has it",
  name_changed: "The booking is somebody else's now",
  unreadable: "It cannot be read",
  other: "Another reason",
};

/** `£150` or `£19.99`. @param {number} pence */
export function pounds(pence) {
  const whole = Math.trunc(pence / 100);
  return pence % 100 === 0
    ? `£${whole}`
    : `£${whole}.${String(Math.abs(pence % 100)).padStart(2, "0")}`;
}

/** Pence of what a person typed ("150", "19.99", "£20"); null when it is no amount. @param {string} text */
export function pence(text) {
  const found = /^£?\s*(\d{1,5})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (!found) return null;
  return Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0"));
}

/** "T15 + T16". @param {number[]} tables */
export function tablesText(tables) {
  return tables.map((number) => `T${number}`).join(" + ");
}

/** "Table 15 and 16", for people who book. @param {number[]} tables */
export function tablesSpoken(tables) {
  return tables.length === 1
    ? `Table ${tables[0]}`
    : `Tables ${tables.slice(0, -1).join(", ")} and ${tables.at(-1)}`;
}

/** "party of 6". @param {number} party */
export function partyText(party) {
  return party === 1 ? "1 person" : `party of ${party}`;
}

/** "52HA-8F2T-CKWT-1B69-P": how a reference is shown and read out. @param {string} reference */
export function referenceText(reference) {
  const plain = reference.replace(/[^0-9A-Za-z*~$=]/g, "").toUpperCase();
  return (plain.match(/.{1,4}/g) ?? []).join("-");
}

/** Whether this is a whole reference; only then may it be regrouped. @param {string} text */
export function isReference(text) {
  return /^[0-9A-TV-Z]{16}[0-9A-Z*~$=]$/i.test(text.replace(/[ -]/g, ""));
}

/**
 * Whether somebody is typing a reference: letters alone may become a name, and stay as typed.
 * @param {string} text
 */
export function beginsReference(text) {
  const plain = text.replace(/[ -]/g, "");
  return isReference(text) || (/\d/.test(plain) && /^[0-9A-TV-Z]{1,16}$/i.test(plain));
}

/** What was typed or read in a reference's place, as a list shows it. @param {string} text */
export function typedText(text) {
  return isReference(text) ? referenceText(text) : text;
}

/** A name that fits on a table: the last word of it, cut if need be. @param {string} name @param {number} length */
export function shortName(name, length) {
  const words = name.trim().split(/\s+/);
  const initial = words.length > 1 && /^\p{L}\.?$/u.test(words.at(-1) ?? "");
  const masked = `${words[0]} ${words.at(-1)}`; // "Ada L.", as door staff see it
  const chosen = initial ? (masked.length > length ? words[0] : masked) : (words.at(-1) ?? "");
  return chosen.length > length ? `${chosen.slice(0, length - 1)}…` : chosen;
}

/** First letter large. @param {string} text */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1).replaceAll("_", " ");
}
