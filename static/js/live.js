// @ts-check
/**
 * The live night of a page: the socket's frames through the reducer, and who wants to know. Where
 * no socket comes about, the staff's pages ask for the night instead, and are "delayed".
 *
 * Listeners are called at most once per animation frame, with everything that arrived until then.
 */

import { Polling } from "./polling.js";
import { Connection } from "./socket.js";
import { reduce } from "./reducer.js";
import { VenueClock } from "./venue-clock.js";

/**
 * @typedef {import("./reducer.js").NightCopy} NightCopy
 * @typedef {import("./socket.js").Link | "delayed"} LiveLink
 * @typedef {{version: number, at: string, type: string, text: string, booking_id?: string,
 *   tables?: number[]}} Line
 */

const ASK_EVERY_MS = 1500; // a snapshot that does not mend the copy is not asked for in a loop
const LINES_MAX = 250;

export class Live {
  /**
   * @param {{audience: string, night?: string | null, token?: () => string | null}} wish
   */
  constructor(wish) {
    this.audience = wish.audience;
    this.night = wish.night ?? null; // null: whatever is tonight
    this.token = wish.token ?? (() => null);
    /** @type {NightCopy | null} */
    this.state = null;
    /** @type {Line[]} newest first */
    this.lines = [];
    this.clock = new VenueClock();
    /** @type {string | null} */
    this.servedNight = null;
    this.asks = 0;
    this.askedAt = -Infinity;
    /** @type {Set<(live: Live) => void>} */
    this.listeners = new Set();
    /** @type {Set<(live: Live) => void>} those who cannot wait for a picture */
    this.hearers = new Set();
    /** @type {{version: number, done: (arrived: boolean) => void}[]} */
    this.waiting = [];
    this.scheduled = false;
    this.connection = new Connection({
      hello: () => this.#hello(),
      onFrame: (frame) => this.#hear(frame),
      onLink: () => this.#changed(),
    });
    this.polling = new Polling({
      audience: this.audience,
      night: () => this.night,
      isWanted: () => this.connection.link !== "live" && !this.connection.stopped,
      onFrame: (frame) => this.#hear(frame),
      onRefused: (status) => this.connection.refuse(status === 401 ? "signed_out" : "revoked"),
      onChange: () => this.#changed(),
    });
  }

  start() {
    this.connection.start();
    if (this.audience !== "public") this.polling.start(); // the public asks for availability
  }

  /** @param {(live: Live) => void} listener */
  listen(listener) {
    this.listeners.add(listener);
  }

  /** Called at each frame, also while nobody looks at the page. @param {(live: Live) => void} hearer */
  hear(hearer) {
    this.hearers.add(hearer);
  }

  /** @returns {LiveLink} */
  get link() {
    const { link, stopped } = this.connection;
    return link !== "live" && !stopped && this.polling.isDelayed ? "delayed" : link;
  }

  /** Milliseconds since the service was last heard, by whichever way. */
  get silenceMs() {
    return Math.min(this.connection.silenceMs, this.polling.silenceMs);
  }

  /** Follows another night, or tonight (null). @param {string | null} night */
  follow(night) {
    this.night = night;
    this.state = null;
    this.lines = [];
    this.connection.restart();
    this.polling.soon();
    this.#changed();
  }

  /**
   * Resolves once this page shows the version that a command's answer named: true, or false
   * when it did not come in time (the command happened all the same).
   * @param {number | null | undefined} version
   * @param {number} [deadlineMs]
   */
  arrival(version, deadlineMs = 6000) {
    if (version == null || (this.state && this.state.seen >= version)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const entry = {
        version,
        done: (/** @type {boolean} */ arrived) => {
          clearTimeout(timer);
          resolve(arrived);
        },
      };
      const timer = setTimeout(() => {
        this.waiting = this.waiting.filter((other) => other !== entry);
        this.connection.probe();
        resolve(false);
      }, deadlineMs);
      this.waiting.push(entry);
      this.polling.soon();
    });
  }

  /** Puts lines of the book in their place by version. @param {Line[]} lines */
  addLines(lines) {
    const known = new Map(this.lines.map((line) => [line.version, line]));
    for (const line of lines) known.set(line.version, line);
    this.lines = [...known.values()].sort((a, b) => b.version - a.version).slice(0, LINES_MAX);
    this.#changed();
  }

  #hello() {
    /** @type {Object<string, any>} */
    const hello = { audience: this.audience };
    if (this.night) hello.night = this.night;
    const { epoch, night, version } = this.state ?? {};
    if (this.state) hello.since = { epoch, night, version };
    const token = this.token();
    if (token) hello.token = token;
    return hello;
  }

  /** @param {Object<string, any>} frame */
  #hear(frame) {
    if (frame.now) this.clock.set(frame.now, frame.speed);
    if (frame.type === "welcome") this.servedNight = frame.night;
    const before = this.state;
    const step = reduce(this.state, frame);
    this.state = step.state;
    if (before && step.state && before.night !== step.state.night) this.lines = [];
    if (frame.line) this.addLines([frame.line]);
    if (step.ask) this.#ask(step.why ?? "");
    const seen = this.state?.seen ?? -1;
    const [arrived, rest] = [
      this.waiting.filter((entry) => entry.version <= seen),
      this.waiting.filter((entry) => entry.version > seen),
    ];
    this.waiting = rest;
    for (const hearer of this.hearers) hearer(this);
    this.#changed();
    for (const entry of arrived) entry.done(true);
  }

  /** @param {string} why */
  #ask(why) {
    const now = performance.now();
    if (now - this.askedAt < ASK_EVERY_MS) return;
    this.askedAt = now;
    this.asks += 1;
    console.info(`Asking for a snapshot: ${why}`);
    this.connection.send({ type: "snapshot" });
  }

  #changed() {
    if (this.scheduled) return;
    this.scheduled = true;
    const tell = () => {
      if (!this.scheduled) return;
      this.scheduled = false;
      for (const listener of this.listeners) listener(this);
    };
    // A hidden page has no animation frames; it is drawn when it is looked at again.
    requestAnimationFrame(tell);
  }
}
