// @ts-check
/**
 * The night by plain requests, for a screen whose live connection does not come about: some
 * networks let requests through and cut WebSockets. It is as right as a live picture, and later;
 * the screen calls it "delayed". The live connection is tried on and on beside it.
 */

import { Problem, readTagged, read } from "./api.js";

/**
 * @typedef {{
 *   audience: string,
 *   night: () => string | null,
 *   isWanted: () => boolean,
 *   onFrame: (frame: Object<string, any>) => void,
 *   onRefused: (status: number) => void,
 *   onChange: () => void,
 * }} Wiring
 *   `night`: the one to ask for; null: tonight. `isWanted`: there is no live connection, and the
 *   screen still has a right to one.
 */

const PATIENCE_MS = 3000; // a service that restarts is back within this, and nobody was delayed
const EVERY_MS = 2000;
const LONGEST_MS = 30_000; // between attempts while nothing answers at all
const NIGHTS_EVERY_MS = 20_000; // tonight and the clock
const FRESH_MS = 3 * EVERY_MS;
const WATCH_MS = 250;

export class Polling {
  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    this.lostAt = 0; // performance.now() when the live connection was last missed; 0: it is there
    this.heardAt = 0;
    this.dueAt = 0;
    this.failures = 0;
    this.asking = false;
    this.started = false;
    this.nightsAt = -Infinity;
    /** @type {string | null} */
    this.tonight = null;
    this.seen = { path: "", tag: /** @type {string | null} */ (null) };
  }

  start() {
    this.started = true;
    setInterval(() => this.#watch(), WATCH_MS);
  }

  /** Asks as soon as may be: something was just done whose effect this screen should show. */
  soon() {
    this.dueAt = 0;
    if (this.started) this.#watch();
  }

  /** Whether the picture comes by requests at present. */
  get isDelayed() {
    return this.lostAt !== 0 && this.silenceMs < FRESH_MS;
  }

  /** Milliseconds since the service last answered a request. */
  get silenceMs() {
    return this.heardAt === 0 ? Infinity : performance.now() - this.heardAt;
  }

  #watch() {
    const now = performance.now();
    if (!this.wiring.isWanted()) {
      Object.assign(this, { lostAt: 0, heardAt: 0, failures: 0, dueAt: 0, nightsAt: -Infinity });
      return;
    }
    this.lostAt ||= now;
    if (this.asking || document.hidden) return;
    if (now - this.lostAt < PATIENCE_MS || now < this.dueAt) return;
    this.#ask();
  }

  async #ask() {
    this.asking = true;
    try {
      await this.#askNights();
      const night = this.wiring.night() ?? this.tonight;
      if (night !== null) await this.#askState(night);
      this.failures = 0;
      if (this.lostAt !== 0) this.heardAt = performance.now();
    } catch (error) {
      this.failures += 1;
      if (error instanceof Problem && (error.status === 401 || error.status === 403))
        this.wiring.onRefused(error.status);
    }
    this.asking = false;
    this.dueAt = performance.now() + Math.min(LONGEST_MS, EVERY_MS * 2 ** this.failures);
    this.wiring.onChange();
  }

  async #askNights() {
    if (performance.now() - this.nightsAt < NIGHTS_EVERY_MS) return;
    const { tonight, now, speed } = await read("/v1/nights");
    this.nightsAt = performance.now();
    this.tonight = tonight;
    if (this.lostAt !== 0) this.wiring.onFrame({ type: "welcome", night: tonight, now, speed });
  }

  /** @param {string} night */
  async #askState(night) {
    const path = `/v1/nights/${night}/state?audience=${this.wiring.audience}`;
    const known = path === this.seen.path ? this.seen.tag : null;
    const answer = await readTagged(path, { seen: known });
    if (answer === null || this.lostAt === 0) return;
    if (night !== (this.wiring.night() ?? this.tonight)) return; // another night was chosen
    this.seen = { path, tag: answer.tag };
    this.wiring.onFrame({ type: "snapshot", ...answer.body });
  }
}
