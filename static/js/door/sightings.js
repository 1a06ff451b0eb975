// @ts-check
/** Which codes in view are new: a code held up is one scan, however many pictures show it. Pure. */

export const GONE_MS = 3000; // a code counts as seen until it has been out of view for this long
const STEP_MS_MAX = 500; // between two looks that are further apart the camera was blind
const CODES_MAX = 64;

/**
 * @typedef {{fresh: string | null, crowded: boolean}} Noticed
 *   `fresh`: the one code that is new; `crowded`: several are in view, and none is taken.
 */

export class Sightings {
  constructor() {
    this.watchedMs = 0;
    /** @type {number | null} */
    this.lastAt = null;
    /** @type {Map<string, number>} code to the watched time when it was in view last */
    this.seen = new Map();
  }

  /**
   * Takes in the codes of one picture.
   * @param {string[]} codes @param {number} atMs on a clock that does not go back
   * @returns {Noticed}
   */
  notice(codes, atMs) {
    if (this.lastAt !== null)
      this.watchedMs += Math.min(Math.max(atMs - this.lastAt, 0), STEP_MS_MAX);
    this.lastAt = atMs;
    for (const [code, at] of this.seen) if (this.watchedMs - at >= GONE_MS) this.seen.delete(code);
    const inView = [...new Set(codes)].filter(Boolean);
    const fresh = inView.filter((code) => !this.seen.has(code));
    // Of two new codes nobody can tell whose light it would be; one that was answered already and
    // is still in view does not hold up the next guest.
    const crowded = fresh.length > 1;
    for (const code of inView) if (!crowded || this.seen.has(code)) this.#keep(code);
    return { fresh: fresh.length === 1 ? fresh[0] : null, crowded };
  }

  /** Lets a code count as new at its next sighting. @param {string} code */
  forget(code) {
    this.seen.delete(code);
  }

  /** @param {string} code */
  #keep(code) {
    this.seen.delete(code);
    this.seen.set(code, this.watchedMs);
    if (this.seen.size > CODES_MAX) this.seen.delete(this.seen.keys().next().value ?? "");
  }
}
