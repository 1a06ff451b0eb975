// @ts-check
/** What the sections of the administration share: who acts, names, real time, and the commands. */

import { Problem, Unreachable, attempt, bodyOf, read, send } from "../api.js";
import { withStepUp } from "../step-up.js";
import { VenueClock, nightText, useTimeZone } from "../venue-clock.js";
import { FLOOR_WORD } from "../words.js";

const DEADLINE_MS = 8000;

/** @typedef {{id: string, name: string, floor: string, leaves: string | null}} Door */

export class Desk {
  constructor() {
    /** @type {any} */
    this.session = null;
    /** @type {any} */
    this.floor = null;
    /** @type {any} */
    this.nights = null;
    /** Sessions and devices live on real time, whatever the venue's clock shows. */
    this.clock = new VenueClock();
    /** @type {Map<string, string>} `staff:<id>` and `device:<id>` to a name */
    this.names = new Map();
    /** Draws the section that is shown again. @type {() => Promise<void>} */
    this.refresh = async () => {};
    /** @type {Map<string, string>} commands that nobody answered, each with its key */
    this.unanswered = new Map();
  }

  /** Who acts. Raises Problem 401: nobody. */
  async open() {
    const request = { headers: { Accept: "application/json" }, cache: /** @type {const} */ ("no-store") };
    const answered = await attempt("/v1/session", request, DEADLINE_MS);
    this.session = await bodyOf(answered);
    // The header counts whole seconds: never behind, so that no code is said to last too long.
    const date = Date.parse(answered.headers.get("Date") ?? "");
    if (date) this.clock.set(new Date(date + 1000).toISOString());
    [this.floor, this.nights] = await Promise.all([read("/v1/floor"), read("/v1/nights")]);
    useTimeZone(this.floor.time_zone);
  }

  /** @param {string} permission */
  may(permission) {
    return this.session.permissions.includes(permission);
  }

  /** Names for the ids in the books, as far as this person may see them. */
  async learnNames() {
    const [staff, devices] = await Promise.all([
      this.may("staff:list") ? read("/v1/staff") : { staff: [] },
      this.may("device:manage") ? read("/v1/devices") : { devices: [] },
    ]);
    for (const one of staff.staff) this.names.set(`staff:${one.staff_id}`, one.name);
    for (const one of devices.devices) this.names.set(`device:${one.device_id}`, one.name);
  }

  /** "Mara Quill", "Door tablet", or what the id is of: "booking 1f2e3d4c". @param {string} subject */
  nameOf(subject) {
    const known = this.names.get(subject);
    if (known) return known;
    const [kind, id = ""] = subject.split(":");
    return id.length > 12 ? `${kind} ${id.slice(0, 8)}` : [kind, id].filter(Boolean).join(" ");
  }

  /** @param {string | null} id */
  doorName(id) {
    return this.floor.doors.find((/** @type {Door} */ door) => door.id === id)?.name ?? id ?? "";
  }

  /** Where rights reach: "Everywhere", "Upstairs, Street door". @param {any} scope */
  scopeText(scope) {
    const parts = [
      scope.floor && (FLOOR_WORD[scope.floor] ?? scope.floor),
      scope.door && this.doorName(scope.door),
      scope.night && nightText(scope.night),
    ].filter(Boolean);
    return parts.length ? parts.join(", ") : "Everywhere";
  }

  /**
   * Sends a command, with a step-up where the service asks for one: the same request by the same
   * key. One that nobody answered keeps its key for when the person sends it again.
   * @param {"POST" | "PATCH" | "DELETE"} method @param {string} path
   * @param {Object<string, any> | null} [body] @returns {Promise<any>}
   */
  async command(method, path, body = null) {
    const name = JSON.stringify([method, path, body]);
    const key = this.unanswered.get(name) ?? crypto.randomUUID();
    this.unanswered.set(name, key);
    try {
      const answer = await withStepUp(() => send(method, path, body, { key }));
      this.unanswered.delete(name);
      return answer;
    } catch (error) {
      if (!(error instanceof Unreachable)) this.unanswered.delete(name);
      throw error;
    }
  }

  /** A file of the service is on this device. @param {string} path @param {string} name */
  async download(path, name) {
    const file = await withStepUp(async () => {
      const answered = await attempt(path, { cache: "no-store" }, DEADLINE_MS);
      if (!answered.ok) await bodyOf(answered);
      return answered.blob();
    });
    const address = URL.createObjectURL(file);
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser has read it by then
  }
}

/** Whether it says that nobody is signed in any more. @param {unknown} error */
export function isSignedOut(error) {
  return error instanceof Problem && error.status === 401;
}
