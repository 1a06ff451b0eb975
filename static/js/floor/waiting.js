// @ts-check
/**
 * The waitlist in the panel: who is next and why, what they are offered, and a manager's own word.
 *
 * The live floor carries who waits by id; names, and where a priority comes from, are fetched.
 */

import { read } from "../api.js";
import { actForm, askSure, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { countdownText, ms, timeText } from "../venue-clock.js";
import { partyText, tablesText } from "../words.js";

const QUIET_MS = 250;

/** @typedef {import("./page.js").Page} Page */

export class Waiting {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {Map<string, any>} */
    this.known = new Map();
    /** @type {unknown} what the rows were fetched for; compared by identity */
    this.seen = null;
    this.night = "";
    this.timer = 0;
    /** @type {Map<string, {row: HTMLElement, key: string}>} */
    this.rows = new Map();
  }

  /** The group's rows, the next party first; fetches what is not known. @returns {HTMLElement[]} */
  draw() {
    const { live } = this.page;
    const { night, document } = /** @type {any} */ (live.state);
    const waitlist = document.waitlist ?? {};
    if (waitlist !== this.seen || night !== this.night) {
      [this.seen, this.night] = [waitlist, night];
      if (Object.keys(waitlist).length) this.#schedule();
    }
    const entries = Object.entries(waitlist).sort(([, a], [, b]) => order(a, b));
    return entries.map(([id, entry], index) => this.#row(id, entry, index + 1));
  }

  #schedule() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#fetch(), QUIET_MS);
  }

  async #fetch() {
    try {
      const { waiting } = await read(`/v1/nights/${this.night}/waitlist`);
      this.known = new Map(waiting.map((/** @type {any} */ one) => [one.waitlist_id, one]));
      this.page.draw();
    } catch {
      // The next change asks again; the rows stand without names until then.
    }
  }

  /** @param {string} id @param {any} entry @param {number} place */
  #row(id, entry, place) {
    const { live } = this.page;
    const facts = this.known.get(id);
    const booking = /** @type {any} */ (live.state).document.bookings[entry.booking_id];
    const left = booking?.hold_expires_at
      ? countdownText(ms(booking.hold_expires_at) - live.clock.now())
      : "";
    const state = booking ? `${tablesText(booking.tables)} ${left}` : `priority ${entry.priority}`;
    const name = facts?.name ?? "";
    const more = [
      partyText(entry.party),
      `since ${timeText(entry.joined_at)}`,
      facts?.beyond_every_set ? "to be arranged" : "",
      facts?.special_occasion ? "occasion" : "",
    ]
      .filter(Boolean)
      .join(" · ");
    const key = JSON.stringify([place, name, state, more]);
    const old = this.rows.get(id);
    if (old?.key === key) return old.row;
    const row = el(
      "button",
      {
        class: `party tone-${booking ? "pending" : "waitlisted"}`,
        type: "button",
        "data-id": id,
        onclick: () => this.#show(id, entry),
      },
      el("span", { class: "party-table" }, String(place)),
      el("span", { class: "party-name" }, name || el("span", { class: "soft" }, "No name")),
      el("span", { class: "party-figure" }, booking ? "Offered" : "Waiting"),
      el("span", { class: "party-more" }, more),
      el("span", { class: "party-state" }, state),
    );
    this.rows.set(id, { row, key });
    return row;
  }

  /** @param {string} id @param {any} entry */
  #show(id, entry) {
    const facts = this.known.get(id);
    const { commands, may } = this.page;
    const parts = facts?.parts;
    const path = `/v1/waitlist/${id}`;
    const contact = [facts?.phone, facts?.email].filter(Boolean).join(" · ");
    return showDialog(facts?.name || "Waiting party", (close) => [
      el("p", { class: "soft" }, `${partyText(entry.party)}, from ${timeText(entry.slot_from)}`),
      contact && el("p", {}, contact),
      parts &&
        el(
          "p",
          { class: "small soft" },
          `Priority ${entry.priority}: ${parts.visits} visits +${parts.visit_points}, timing +${parts.timing}, occasion +${parts.occasion}${parts.by_hand == null ? "" : `; set by hand to ${parts.by_hand}`}. ${entry.offers_left} ${entry.offers_left === 1 ? "offer" : "offers"} left.`,
        ),
      may("waitlist:manage") &&
        actForm(
          "Set priority",
          [
            field(
              "Priority by hand",
              el("input", {
                class: "input",
                name: "priority",
                type: "number",
                min: "0",
                max: "1000",
                value: parts?.by_hand ?? "",
                placeholder: "its own",
              }),
              "0 to 1000; empty gives its own back. The book says who set it.",
            ),
          ],
          async (data) => {
            const typed = String(data.get("priority"));
            const priority = typed === "" ? null : Number(typed);
            await commands.run("Priority set", [], "PATCH", path, { priority }, { silent: true });
          },
          close,
        ),
      may("waitlist:manage") &&
        el(
          "div",
          { class: "dialog-foot" },
          entry.booking_id &&
            el(
              "button",
              {
                class: "button",
                type: "button",
                onclick: () => {
                  close();
                  commands.run("Accepted for them", [], "POST", `${path}/accept`);
                },
              },
              "They said yes",
            ),
          el(
            "button",
            {
              class: "button button-danger",
              type: "button",
              onclick: async () => {
                close();
                const text = "Its place, and what it is offered, go to the next party.";
                if (await askSure("Take this party off the waitlist?", text, "Take off"))
                  commands.run("Taken off the waitlist", [], "DELETE", path, null);
              },
            },
            "Take off the list",
          ),
        ),
    ]);
  }
}

/** Offered ones first, then the order of the list. @param {any} a @param {any} b */
function order(a, b) {
  return (
    Number(b.booking_id !== null) - Number(a.booking_id !== null) ||
    b.offers_left - a.offers_left ||
    b.priority - a.priority ||
    (a.joined_at < b.joined_at ? -1 : 1)
  );
}
