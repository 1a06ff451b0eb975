// @ts-check
/**
 * Names and references of the night's bookings, fetched beside the live state, which carries
 * none. They are kept in this page's memory only.
 */

import { read } from "../api.js";

/** @typedef {import("../live.js").Live} Live */

const QUIET_MS = 250; // several bookings made at once are asked for together
const EVERY_MS = 1500;

export class Guests {
  /** @param {Live} live @param {() => void} onChange */
  constructor(live, onChange) {
    this.live = live;
    this.onChange = onChange;
    this.night = "";
    /** @type {Object<string, string>} */
    this.names = {};
    /** @type {Object<string, any>[]} rows of the bookings call, ended ones included */
    this.rows = [];
    this.asked = new Set();
    this.timer = 0;
    this.fetchedAt = -Infinity;
    this.lineVersion = -1;
  }

  /** Fetches what the state speaks of and this page does not know yet. */
  follow() {
    const { state } = this.live;
    if (!state) return;
    if (state.night !== this.night) {
      Object.assign(this, {
        night: state.night,
        names: {},
        rows: [],
        asked: new Set(),
        lineVersion: -1,
      });
      this.#schedule(0);
    }
    const ids = Object.keys(state.document.bookings);
    const gone = this.rows.some(
      (row) => isLiveStatus(row.status) && !state.document.bookings[row.booking_id],
    );
    if (gone || ids.some((id) => !this.asked.has(id))) this.#schedule(QUIET_MS);
    this.#history(state.version);
  }

  /** @param {string} id */
  row(id) {
    return this.rows.find((row) => row.booking_id === id);
  }

  /** @param {number} wait */
  #schedule(wait) {
    if (this.timer) return;
    const due = Math.max(wait, this.fetchedAt + EVERY_MS - performance.now());
    this.timer = window.setTimeout(() => this.#fetch(), due);
  }

  async #fetch() {
    this.fetchedAt = performance.now();
    const { night } = this;
    const ids = Object.keys(this.live.state?.document.bookings ?? {});
    try {
      const [guests, bookings] = await Promise.all([
        read(`/v1/nights/${night}/guests`),
        read(`/v1/nights/${night}/bookings`),
      ]);
      if (night !== this.night) return;
      this.names = guests.names;
      this.rows = bookings.bookings;
      for (const id of ids) this.asked.add(id);
      this.timer = 0;
      this.onChange();
    } catch (error) {
      console.warn("Names are not known yet", error);
      this.timer = 0;
    }
  }

  /** The lines from before this page was opened, or that a gap skipped. @param {number} version */
  async #history(version) {
    const newest = this.live.lines[0]?.version ?? 0;
    const first = this.lineVersion < 0;
    const least = this.live.link === "delayed" ? 1 : 40; // a snapshot brings no lines
    if (!first && version - Math.max(newest, this.lineVersion) < least) return;
    const after = Math.max(0, version - 150, first ? 0 : Math.max(newest, this.lineVersion));
    this.lineVersion = version;
    try {
      const answer = await read(`/v1/nights/${this.night}/events?after=${after}&limit=200`);
      const lines = answer.events.map((/** @type {any} */ event) => event.line).filter(Boolean);
      this.live.addLines(lines);
    } catch (error) {
      console.warn("Earlier activity is not known yet", error);
    }
  }
}

/** @param {string} status */
export function isLiveStatus(status) {
  return status === "pending" || status === "confirmed" || status === "seated";
}
