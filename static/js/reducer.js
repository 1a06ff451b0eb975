// @ts-check
/**
 * The browser's copy of a night: frames in, state out. Pure.
 *
 * It understands nothing of tables or bookings. A snapshot replaces the document, an event merges
 * its `changes` (absolute values; null takes a key away), a heartbeat proves that nothing is
 * missing. Whenever that cannot be proved it asks for a snapshot, and never guesses.
 */

import { SECTIONS, stateHash } from "./hash.js";

/**
 * @typedef {import("./hash.js").FloorDocument} FloorDocument
 * @typedef {{
 *   epoch: string, night: string, version: number, seen: number, at: string,
 *   document: FloorDocument,
 * }} NightCopy
 *   `version` is the last frame that was merged; `seen` the newest version that is known to
 *   hold nothing more for this audience, so it is never below `version`.
 * @typedef {{state: NightCopy | null, ask: boolean, why?: string}} Step
 *   `ask`: the copy may be wrong; send for a snapshot.
 */

/**
 * The state after a frame, and whether a snapshot must be asked for.
 * @param {NightCopy | null} state
 * @param {Object<string, any>} frame
 * @returns {Step}
 */
export function reduce(state, frame) {
  switch (frame.type) {
    case "snapshot":
      return snapshot(state, frame);
    case "event":
      return event(state, frame);
    case "heartbeat":
      return heartbeat(state, frame);
    default:
      return { state, ask: false };
  }
}

/** @param {NightCopy | null} state @param {Object<string, any>} frame @returns {Step} */
function snapshot(state, frame) {
  const same = state !== null && state.epoch === frame.epoch && state.night === frame.night;
  if (same && frame.version < state.version) return { state, ask: false };
  const seen = same ? Math.max(frame.version, state.seen) : frame.version;
  const document = merge(/** @type {any} */ ({}), frame.state);
  const { epoch, night, version, at } = frame;
  return { state: { epoch, night, version, seen, at, document }, ask: false };
}

/** @param {NightCopy | null} state @param {Object<string, any>} frame @returns {Step} */
function event(state, frame) {
  if (state === null) return { state, ask: true, why: "an event before any snapshot" };
  if (frame.night !== undefined && frame.night !== state.night) return { state, ask: false };
  if (frame.version <= state.version) return { state, ask: false };
  if (frame.after > state.version) {
    return { state, ask: true, why: `a gap: ${state.version} to ${frame.after}` };
  }
  return {
    state: {
      ...state,
      version: frame.version,
      seen: Math.max(frame.version, state.seen),
      at: frame.at,
      document: merge(state.document, frame.changes),
    },
    ask: false,
  };
}

/** @param {NightCopy | null} state @param {Object<string, any>} frame @returns {Step} */
function heartbeat(state, frame) {
  if (frame.night === null || frame.night === undefined) return { state, ask: false };
  if (state === null) return { state, ask: true, why: "a heartbeat before any snapshot" };
  if (frame.epoch !== state.epoch || frame.night !== state.night) {
    return { state, ask: true, why: "another epoch or night" };
  }
  const changed = frame.changed ?? frame.version;
  if (state.version < changed) return { state, ask: true, why: "behind the heartbeat" };
  if (state.version > frame.version) return { state, ask: false };
  if (frame.hash !== undefined && frame.hash !== stateHash(state.document)) {
    return { state, ask: true, why: "the hash differs" };
  }
  return { state: { ...state, seen: Math.max(state.seen, frame.version) }, ask: false };
}

/**
 * The document after the changes. What did not change is shared, so that a view may compare
 * sections and entries by identity.
 * @param {FloorDocument} document
 * @param {Object<string, Object<string, any>>} changes
 * @returns {FloorDocument}
 */
export function merge(document, changes) {
  /** @type {any} */
  const merged = {};
  for (const section of SECTIONS) {
    const entries = changes[section];
    merged[section] = document[section] ?? {};
    if (!entries) continue;
    merged[section] = { ...merged[section] };
    for (const [key, value] of Object.entries(entries)) {
      if (value === null) delete merged[section][key];
      else merged[section][key] = value;
    }
  }
  return merged;
}
