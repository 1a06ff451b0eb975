// @ts-check
/**
 * The waitlist on the public page: joining it, where one stands and why, and the offer.
 *
 * Public frames say nothing of who waits, so the place is asked for with its owner's token: every
 * few seconds, and at once when a table of the night changed on the live floor.
 */

import { Problem, readTagged, send } from "../api.js";
import { askSure } from "../dialog.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { floorText } from "../floors.js";
import { tell, tellProblem } from "../toasts.js";
import { countdownText, longNightText, ms, timeText } from "../venue-clock.js";
import { capital, partyText, pounds, tablesSpoken } from "../words.js";
import { keepHold, keptHold } from "./held.js";
import { button } from "./join.js";
import { dropOffer, takeOffer } from "./offer-link.js";
import { factsOf } from "./offers.js";

const KEY = "backroom.waiting";
const AGAIN_MS = 5000;
const AT_ONCE_MS = 400; // frames that come together are one question
const URGENT_MS = 120_000;
const WAITS = ["waitlisted", "offered"];

/** The place on the waitlist that this device has, if any. */
export class Waiting {
  /**
   * @param {import("../live.js").Live} live @param {any} floor the venue's, with its tables
   * @param {() => void} onChange another night is waited for, or none
   */
  constructor(live, floor, onChange) {
    this.live = live;
    this.floor = floor;
    this.onChange = onChange;
    this.place = byId("waiting");
    /** @type {any} */
    this.entry = null;
    this.token = "";
    this.byLink = false; // the token is an offer's: it is over with the offer, and is not kept
    /** @type {string | null} */
    this.tag = null;
    this.timer = 0;
    this.key = "";
    this.waits = "";
    document.addEventListener("visibilitychange", () => document.hidden || this.#soon(0));
    setInterval(() => this.#tick(), 500);
  }

  /** Shows the offer whose link was opened; else the place that this device has, if any. */
  resume() {
    const kept = this.#kept();
    const offer = takeOffer();
    this.byLink = offer !== null && offer.waitlist_id !== kept?.waitlist_id;
    if (offer && offer.waitlist_id === null) this.#linkOver();
    else if (offer && this.byLink) {
      [this.entry, this.token] = [{ waitlist_id: offer.waitlist_id }, offer.token];
      this.#soon(0);
    } else if (kept) {
      [this.entry, this.token] = [kept, kept.token];
      this.#draw();
      this.#soon(0);
      if (offer) this.show();
      dropOffer(); // this device's own place, and its own token
    }
  }

  #kept() {
    try {
      return JSON.parse(localStorage.getItem(KEY) ?? "null");
    } catch {
      return null;
    }
  }

  /** A live frame came: what freed a table may have made an offer. */
  follow() {
    if (this.entry && this.live.state?.night === this.entry.night) this.#soon(AT_ONCE_MS);
  }

  /** @param {any} entry with its token */
  join(entry) {
    localStorage.setItem(KEY, JSON.stringify(entry));
    this.resume();
    this.show();
  }

  /** Brings the place into view. */
  show() {
    this.place.scrollIntoView({ block: "nearest" });
  }

  /** Whether this device waits for a table of the night. @param {string} night */
  waitsFor(night) {
    return this.entry?.night === night && WAITS.includes(this.entry.status);
  }

  /** @param {number} wait */
  #soon(wait) {
    clearTimeout(this.timer);
    if (this.entry) this.timer = window.setTimeout(() => this.#ask(), wait);
  }

  async #ask() {
    if (!this.entry || document.hidden) return;
    try {
      const path = `/v1/waitlist/${this.entry.waitlist_id}`;
      const answer = await readTagged(path, { seen: this.tag, token: this.token });
      if (answer) {
        this.tag = answer.tag;
        const first = this.entry.status === undefined;
        this.entry = { ...answer.body, token: this.token };
        if (!this.byLink) localStorage.setItem(KEY, JSON.stringify(this.entry));
        this.#draw();
        if (first) this.show();
      }
    } catch (error) {
      if (error instanceof Problem && [401, 404].includes(error.status)) {
        if (this.byLink) return this.#linkOver();
        if (error.status === 404) return this.#forget();
      }
      if (this.entry.status === undefined) return this.#soon(AGAIN_MS);
    }
    this.#draw();
    if (WAITS.includes(this.entry?.status)) this.#soon(AGAIN_MS);
  }

  #tick() {
    const count = this.place.querySelector(".ticket-count");
    const ends = this.entry?.offer?.hold_expires_at;
    if (!count || !ends) return;
    const left = ms(ends) - this.live.clock.now();
    write(count, countdownText(left));
    mark(count, "data-urgent", left < URGENT_MS ? "" : null);
    if (left <= 0) this.#soon(AT_ONCE_MS);
  }

  /** The offer ran out, or was taken and paid; in the browser that took it the ticket says so. */
  #linkOver() {
    this.#forget();
    if (this.entry || keptHold()) return;
    this.place.hidden = false;
    fill(
      this.place,
      el("h2", {}, "This offer is over"),
      el(
        "p",
        { class: "soft" },
        "Its time ran out, or it was taken already. If you still wait, the next table that comes free is offered to you by a new message.",
      ),
      button("button", "Close", () => (this.place.hidden = true)),
    );
    this.show();
  }

  #draw() {
    const { entry } = this;
    this.place.hidden = entry === null;
    const waits = WAITS.includes(entry?.status) ? entry.night : "";
    if (waits !== this.waits) {
      this.waits = waits;
      this.onChange();
    }
    const key = JSON.stringify(entry);
    if (!entry || key === this.key) return;
    this.key = key;
    const time = `${timeText(entry.from)} to ${timeText(entry.until)}`;
    const who = el(
      "p",
      { class: "soft" },
      longNightText(entry.night),
      el("br"),
      capital(`${partyText(entry.party)}, ${time}`),
    );
    if (entry.status === "offered" && entry.offer) this.#drawOffer(entry, who);
    else if (entry.status === "waitlisted") this.#drawPlace(entry, who);
    else this.#drawEnd(entry);
  }

  /** @param {any} entry @param {Node} who */
  #drawOffer(entry, who) {
    const { tables, deposit_pence: deposit, hold_expires_at: ends } = entry.offer;
    const which = tables.length > 1 ? "these tables" : "this table";
    fill(
      this.place,
      el("p", { class: "eyebrow" }, tables.length > 1 ? "Tables for you" : "A table for you"),
      el("h2", {}, tablesSpoken(tables)),
      this.#room(tables[0]),
      who,
      el(
        "div",
        { class: "waiting-time" },
        el("p", { class: "ticket-count", role: "timer" }, ""),
        el("p", { class: "soft" }, `Held for you until ${timeText(ends)}`),
      ),
      el(
        "p",
        {},
        deposit > 0
          ? `Nothing is charged when you take ${which}: you then have time to pay the deposit of ${pounds(deposit)}.`
          : `Nothing is charged when you take ${which}.`,
      ),
      el(
        "div",
        { class: "ticket-actions waiting-actions" },
        button("button button-main", `Take ${which}`, () => this.#accept()),
        button("button button-danger", "Leave the waitlist", () => this.#leave()),
      ),
      el(
        "p",
        { class: "small soft" },
        entry.offers_left > 1
          ? "Not this one? Let the time run out: you stay in line for the next."
          : "This is the last offer: when the time runs out your place goes to the next party.",
      ),
    );
    this.#tick();
  }

  /** Which floor the table is on. @param {number} table */
  #room(table) {
    const { floor } = this;
    const on = factsOf(floor, table)?.floor;
    const room = floor.floors.find((/** @type {any} */ one) => one.name === on);
    return room && el("p", { class: "waiting-room" }, floorText(room));
  }

  /** @param {any} entry @param {Node} who */
  #drawPlace(entry, who) {
    const { parts } = entry;
    const why = [
      [`${parts.visits} ${parts.visits === 1 ? "visit" : "visits"} before`, parts.visit_points],
      ["Asked early, coming early", parts.timing],
      ["Special occasion", parts.occasion],
    ].filter(([, points]) => Number(points) > 0);
    fill(
      this.place,
      el("p", { class: "eyebrow" }, "On the waitlist"),
      el(
        "h2",
        {},
        entry.beyond_every_set
          ? "The club will arrange it"
          : entry.position
            ? `Number ${entry.position} in line`
            : "In line",
      ),
      who,
      el(
        "p",
        { class: "soft" },
        entry.beyond_every_set
          ? "No table takes a party of this size by itself. Staff have your request and will call."
          : "A table that comes free is held for you and shown here at once. Keep this page open, or look for our message.",
      ),
      el(
        "dl",
        { class: "waiting-parts" },
        el("dt", {}, "Priority"),
        el("dd", {}, String(entry.priority)),
        ...why.flatMap(([word, points]) => [el("dt", {}, word), el("dd", {}, `+${points}`)]),
        ...(parts.by_hand == null ? [] : [el("dt", {}, "Set by the club"), el("dd", {}, "")]),
      ),
      el(
        "div",
        { class: "ticket-actions waiting-actions" },
        button("button button-danger", "Leave the waitlist", () => this.#leave()),
      ),
    );
  }

  /** @param {any} entry */
  #drawEnd(entry) {
    const words = {
      guest: "You left the waitlist",
      staff: "The club took you off the waitlist",
      unanswered: "Your offers ran out",
      night_over: "This night is over",
      accepted: "You have a table",
    };
    const text =
      entry.ended_why === "accepted"
        ? "It was taken already. Pay the deposit where you took it."
        : "Nothing was charged.";
    fill(
      this.place,
      el("h2", {}, /** @type {any} */ (words)[entry.ended_why] ?? "No longer waiting"),
      el("p", { class: "soft" }, text),
      button("button", "Close", () => this.#forget()),
    );
  }

  async #accept() {
    const { token } = this;
    try {
      const path = `/v1/waitlist/${this.entry.waitlist_id}/accept`;
      // The answer's token outlives the offer, by whose link this may have been.
      keepHold({ token, ...(await send("POST", path, {}, { token })) });
      this.#forget();
      document.dispatchEvent(new CustomEvent("held"));
    } catch (error) {
      tellProblem(error, "Not taken");
      this.#soon(0);
    }
  }

  async #leave() {
    const text =
      this.entry?.status === "offered"
        ? "What is held for you goes to the next party, and so does your place."
        : "Your place goes to the next party.";
    if (!(await askSure("Leave the waitlist?", text, "Leave"))) return;
    try {
      await send("DELETE", `/v1/waitlist/${this.entry.waitlist_id}`, null, { token: this.token });
      tell("You left the waitlist");
    } catch (error) {
      if (!(error instanceof Problem && [404, 409].includes(error.status)))
        return tellProblem(error, "Not left");
    }
    this.#forget();
  }

  #forget() {
    clearTimeout(this.timer);
    [this.entry, this.tag, this.key] = [null, null, ""];
    dropOffer();
    if (this.byLink) {
      this.byLink = false;
      this.resume(); // the place that this device has itself
    } else localStorage.removeItem(KEY);
    this.#draw();
  }
}
