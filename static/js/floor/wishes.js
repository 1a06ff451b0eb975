// @ts-check
/** What a party asked for and what staff noted of it, read beside the live state, which has neither. */

import { read } from "../api.js";
import { el } from "../elements.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {{requests?: string, occasion?: string, notes?: string}} Said */

const KNOWN_MAX = 200;
const AGAIN_MS = 5000;

/** @type {Object<string, string>} */
export const OCCASION = {
  none: "Nothing special",
  birthday: "Birthday",
  anniversary: "Anniversary",
  engagement: "Engagement",
  hen: "Hen night",
  stag: "Stag night",
  work: "From work",
  other: "Something else",
};

export class Wishes {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Map<string, Said>} */
    this.known = new Map();
    /** @type {Map<string, number>} the edition for which each was asked */
    this.asked = new Map();
  }

  /** What was said of the booking; asked for when it changed. @param {string} id @param {any} booking */
  of(id, booking) {
    const edition = booking.edition ?? 0;
    if (this.asked.get(id) !== edition) {
      this.asked.set(id, edition);
      this.#ask(id);
    }
    return this.known.get(id) ?? {};
  }

  /** @param {string} id */
  async #ask(id) {
    try {
      const { requests, occasion, notes } = await read(`/v1/bookings/${id}`);
      this.known.set(id, { requests, occasion, notes });
      if (this.known.size > KNOWN_MAX) this.known.delete([...this.known.keys()][0]);
      this.page.draw();
    } catch {
      setTimeout(() => this.asked.delete(id), AGAIN_MS); // a later drawing asks again
    }
  }
}

/** The lines of it, each under its word; null where nothing was said. @param {Said} said */
export function wishLines({ requests, occasion, notes }) {
  const lines = [
    ["Occasion", occasion && (OCCASION[occasion] ?? occasion)],
    ["Asked for", requests],
    ["Note", notes],
  ].filter(([, text]) => text);
  if (lines.length === 0) return null;
  return el(
    "dl",
    { class: "wishes" },
    lines.map(([word, text]) => [el("dt", {}, word), el("dd", {}, text)]),
  );
}
