// @ts-check
/**
 * The deposit of a hold, inside the hold's own page: pay it online, or at the desk where that is
 * the way.
 *
 * What is shown is what the service answered: a page that is loaded again in the middle asks how
 * the payment stands and goes on from there. One command runs at a time, so a second tap pays
 * nothing twice; the service keeps one live payment for each hold whatever a page does. Real cards
 * are typed on a page of their own (`page.js`), the only one that Stripe's script may run on.
 */

import { Problem, send } from "../api.js";
import { el, fill, mark, write } from "../elements.js";
import { pounds } from "../words.js";
import { AWAY, declinedText, troubleText } from "./says.js";
import { askWays, comesBack, forgetWays } from "./ways.js";

const KEY = "backroom.paying";
const WAYS_AGAIN_MS = 5000;
const LOOK_AGAIN_MS = 3000;
const LOOKS_MAX = 5; // then the guest asks; the hold itself is asked for all the time
const PATIENCE_MS = 4000;
const SPOKEN_MS = 120_000;
const ATTEMPTS = 3;

const CARDS = [
  ["pays", "Good card"],
  ["declined", "Declined card"],
  ["asks", "Card that needs a check"],
];
const CHECKS = [
  ["approve", "Approve the payment"],
  ["refuse", "Refuse it"],
];

/**
 * @typedef {{booking_id: string, token: string | null, from: string, deposit_pence: number,
 *   paid_pence?: number, hold_expires_at?: string | null}} Owed
 */

/** Whether somebody began to pay for this booking in this tab. @param {string} id */
export function hasBegun(id) {
  return sessionStorage.getItem(KEY) === id;
}

/** @param {string} id */
export function noteBegun(id) {
  sessionStorage.setItem(KEY, id);
}

export class Deposit {
  /** @param {(answer: any) => void} onAnswer the booking as the service has it now; null: look */
  constructor(onAnswer) {
    this.onAnswer = onAnswer;
    /** @type {Owed | null} */
    this.booking = null;
    this.nowMs = 0;
    /** @type {import("./ways.js").Ways | null} */
    this.ways = null;
    /** @type {any} the step of the payment that has begun */
    this.step = null;
    this.busy = false;
    this.slow = false;
    this.over = false;
    this.trouble = "";
    this.looks = 0;
    this.timer = 0;
    this.drawn = "";
    this.title = el("h3", { class: "deposit-title" });
    this.label = el(
      "p",
      { class: "deposit-test" },
      el("b", {}, "Test form"),
      " No real card, and no money moves.",
    );
    // It stays in the page while what it says changes: that is what is read out.
    this.note = el("p", { class: "deposit-note", role: "status" });
    this.spoken = el("p", { class: "visually-hidden", role: "status" }); // nobody hears a countdown
    this.buttons = el("div", { class: "deposit-cards" });
    this.more = el("div", { class: "deposit-more" });
    this.place = el(
      "section",
      { class: "deposit", "aria-label": "Deposit" },
      this.title,
      this.label,
      this.note,
      this.buttons,
      this.more,
      this.spoken,
    );
  }

  /** Shows how the pending hold is paid. @param {Owed} booking @param {number} nowMs */
  show(booking, nowMs) {
    const other = this.booking?.booking_id !== booking.booking_id;
    if (other) {
      this.step = null;
      this.trouble = "";
      this.looks = 0;
      this.over = false;
    }
    if (this.booking?.hold_expires_at !== booking.hold_expires_at) this.over = false;
    Object.assign(this, { booking, nowMs });
    if (this.ways === null) this.#askWays();
    else if (other) this.#resume();
    this.#draw();
  }

  /** How long the hold lasts on this screen; once it is over the service says what that means. @param {number} leftMs */
  tick(leftMs) {
    write(this.spoken, leftMs > 0 && leftMs < SPOKEN_MS ? "Less than two minutes left to pay." : "");
    if (leftMs > 0 || this.over) return;
    this.over = true;
    this.#draw();
  }

  async #askWays() {
    clearTimeout(this.timer);
    try {
      this.ways = await askWays();
    } catch {
      this.timer = window.setTimeout(() => this.#askWays(), WAYS_AGAIN_MS);
      return this.#draw();
    }
    this.#draw();
    this.#resume();
  }

  /** A page that was loaded again goes on with the payment that it had begun. */
  #resume() {
    const { booking, ways, step } = this;
    if (booking && ways?.how === "test" && step === null && hasBegun(booking.booking_id))
      this.#begin();
  }

  #begin() {
    if (!this.booking) return;
    noteBegun(this.booking.booking_id);
    return this.#command(`/v1/holds/${this.booking.booking_id}/confirm`, null);
  }

  /** @param {string} path @param {Object<string, any> | null} body */
  async #command(path, body) {
    if (this.busy || !this.booking) return;
    const { token } = this.booking;
    const held = this.buttons.contains(document.activeElement); // they are made anew
    Object.assign(this, { busy: true, slow: false, trouble: "" });
    const patience = window.setTimeout(() => {
      this.slow = true;
      this.#draw();
    }, PATIENCE_MS);
    this.#draw();
    try {
      const answer = await send("POST", path, body, { token, attempts: ATTEMPTS });
      this.step = answer.deposit ?? null;
      if (this.step?.state === "failed") this.trouble = declinedText(this.step.why);
      this.#lookAgain();
      this.onAnswer(answer);
    } catch (error) {
      this.trouble = troubleText(error);
      if (error instanceof Problem) {
        forgetWays(); // paying online may have gone away, or come back
        this.ways = await askWays().catch(() => this.ways);
        this.onAnswer(null);
      }
    } finally {
      clearTimeout(patience);
      this.busy = false;
    }
    this.#draw();
    if (held) this.buttons.querySelector("button")?.focus();
  }

  /** The money is on its way: it is looked at again a few times by itself. */
  #lookAgain() {
    clearTimeout(this.timer);
    if (this.step?.state !== "processing" || this.looks >= LOOKS_MAX) return;
    this.looks += 1;
    this.timer = window.setTimeout(() => this.#begin(), LOOK_AGAIN_MS);
  }

  #draw() {
    const { booking, ways, step, busy, slow, over, trouble } = this;
    if (!booking) return;
    const owed = booking.deposit_pence - (booking.paid_pence ?? 0);
    const key = JSON.stringify([booking.booking_id, owed, ways, step, busy, slow, over, trouble]);
    if (key === this.drawn) return;
    this.drawn = key;
    const online = ways !== null && ways.how !== "desk";
    write(this.title, owed > 0 ? `Deposit of ${pounds(owed)}` : "No deposit to pay");
    this.label.hidden = ways?.how !== "test" || owed <= 0;
    const note = this.#noteText();
    write(this.note, note);
    mark(this.note, "data-bad", trouble && !busy ? "" : null);
    fill(this.buttons, (online || owed <= 0) && !over && this.#choices(owed));
    fill(this.more, this.#moreText(online, owed));
  }

  #noteText() {
    const { ways, step, busy, slow, over, trouble } = this;
    if (busy) return slow ? "Still asking. Nothing is paid twice: please wait…" : "One moment…";
    if (over)
      return hasBegun(this.booking?.booking_id ?? "")
        ? "The time is up. If your bank has just paid, the table is yours while it is free, and otherwise the money goes back by itself. This page shows which."
        : "The time is up.";
    if (trouble) return trouble;
    if (ways === null) return "Asking how it can be paid…";
    if (ways.away && step === null) return AWAY;
    if (step?.state === "action") return "Your bank asks whether it is you. Here the test form plays the bank.";
    if (step?.state === "processing") return "Your bank has it. Your code appears here by itself.";
    if (step && ways.how === "test") return "Your table is held longer for this, once. Choose a card:";
    return "";
  }

  /** @param {number} owed */
  #choices(owed) {
    const { ways, step, busy, booking } = this;
    /** @param {string} label @param {() => void} onclick @param {boolean} [main] */
    const button = (label, onclick, main = false) =>
      el(
        "button",
        {
          class: `button ${main ? "button-main" : ""}`,
          type: "button",
          "data-busy": busy && main ? "" : null,
          "aria-disabled": busy ? "true" : null, // the keyboard's focus stays on it
          onclick,
        },
        label,
      );
    const pay = owed > 0 ? `Pay ${pounds(owed)}` : "Confirm";
    if (owed <= 0) return button(pay, () => this.#begin(), true);
    if (ways?.how === "stripe")
      return el(
        "a",
        { class: "button button-main", href: `/pay?booking=${booking?.booking_id}` },
        `${pay} by card`,
      );
    if (step === null) return button(ways?.away ? "Try again" : pay, () => this.#begin(), true);
    if (step.state === "processing") return button("Look again", () => this.#begin(), true);
    const choices = step.state === "action" ? CHECKS : CARDS;
    return choices.map(([card, label], index) =>
      button(
        label,
        () => this.#command(`/v1/bookings/${booking?.booking_id}/test-card`, { card }),
        index === 0,
      ),
    );
  }

  /** @param {boolean} online @param {number} owed */
  #moreText(online, owed) {
    if (owed <= 0) return null;
    const back = comesBack(this.ways?.refunds ?? [], this.booking?.from ?? "", this.nowMs);
    if (online)
      return [
        back && el("p", { class: "small soft" }, back),
        el("p", { class: "small soft" }, "Or pay at the desk before the time is up, by the reference below."),
      ];
    return [
      el(
        "ol",
        { class: "deposit-steps" },
        [
          "Come to the desk before the time is up and give the reference below.",
          `Pay the deposit of ${pounds(owed)}, by card or cash.`,
          "Your entry code appears here at once. One code lets in your whole party.",
        ].map((text) => el("li", {}, el("span", {}, text))),
      ),
      back && el("p", { class: "small soft" }, back),
    ];
  }
}
