// @ts-check
/**
 * What a person does to the floor. A command is shown as pending on its tables until the event
 * that it caused comes back by the same path as everybody else's.
 */

import { read, send, Problem } from "../api.js";
import { tell, tellProblem, warn } from "../toasts.js";

/** @typedef {import("./page.js").Page} Page */

export class Commands {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Set<{tables: number[], label: string}>} */
    this.pending = new Set();
  }

  /** @returns {number[]} */
  pendingTables() {
    return [...this.pending].flatMap((entry) => entry.tables);
  }

  /** @param {number} table */
  isPending(table) {
    return this.pendingTables().includes(table);
  }

  /**
   * Sends and waits until the floor shows it. Returns the answer; a refusal is told as a notice
   * and thrown again when the caller wants it (`silent`), otherwise the result is null.
   * @param {string} label what is being done, as a person would say it
   * @param {number[]} tables
   * @param {"POST" | "PATCH" | "DELETE"} method
   * @param {string} path
   * @param {Object<string, any> | null} [body]
   * @param {{silent?: boolean, here?: boolean}} [options] `here`: false when it is another night
   *   that shows what was done
   */
  async run(label, tables, method, path, body = {}, options = {}) {
    const entry = { tables, label };
    this.pending.add(entry);
    this.page.draw();
    try {
      const answer = await send(method, path, body);
      for (const one of [answer, answer?.booking, answer?.other]) this.#warnOfDoor(one?.may_still_admit, label);
      if (options.here === false) return answer;
      const arrived = await this.page.live.arrival(answer?.version);
      if (!arrived) tell(label, "Done. The map will show it when it is live again.");
      return answer;
    } catch (error) {
      if (error instanceof Problem && error.status === 401) location.assign("/sign-in?next=/floor");
      if (options.silent) throw error;
      tellProblem(error, label);
      return null;
    } finally {
      this.pending.delete(entry);
      this.page.draw();
    }
  }

  /**
   * A door's tablet holds the ticket and could not be asked: what was done there is not known yet.
   * @param {string | string[] | null | undefined} ids of the door, or of several @param {string} label
   */
  #warnOfDoor(ids, label) {
    const doors = [ids ?? []].flat().map((id) => {
      return this.page.floor.doors.find((/** @type {any} */ one) => one.id === id)?.name ?? id;
    });
    if (doors.length === 0) return;
    warn(
      label,
      `Done, but ${doors.join(" and ")} may still admit this party: its tablet is out of contact. Send somebody to tell them.`,
    );
  }

  /** Reads what a form needs; a refusal is told as a notice, and null. @param {string} path */
  async look(path) {
    try {
      return await read(path);
    } catch (error) {
      tellProblem(error, "Not known just now");
      return null;
    }
  }

  get night() {
    return this.page.live.state?.night ?? "";
  }

  /** @param {string} id @param {string} verb @param {number[]} tables @param {string} label @param {Object<string, any>} [body] */
  booking(id, verb, tables, label, body = {}) {
    return this.run(label, tables, "POST", `/v1/bookings/${id}/${verb}`, body);
  }

  /** @param {number} table @param {string} verb @param {string} label @param {Object<string, any>} [more] */
  table(table, verb, label, more = {}) {
    return this.run(label, [table], "POST", `/v1/tables/${table}/${verb}`, {
      night: this.night,
      ...more,
    });
  }

  /**
   * Counts guests of a party in or out, as the door would, by its reference.
   * @param {string} id @param {number} people @param {"in" | "out"} direction @param {string} door
   */
  async count(id, people, direction, door) {
    const booking = this.page.live.state?.document.bookings[id];
    const reference = this.page.guests.row(id)?.reference;
    if (!booking || !reference) {
      tell("A moment", "The reference of this party is not known yet. Try again in a second.");
      return;
    }
    const verdict = await this.run(`${people} ${direction}`, booking.tables, "POST", "/v1/scans", {
      scan_id: crypto.randomUUID(),
      door,
      direction,
      reference,
      people,
    });
    if (verdict && verdict.verdict !== "admit") {
      tellProblem(
        new Problem(409, { detail: verdict.instruction, reason: verdict.reason }),
        verdict.title,
      );
    }
  }
}
