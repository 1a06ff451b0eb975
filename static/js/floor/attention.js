// @ts-check
/**
 * What of the money needs a person, above the night's list: desk money that no second person has
 * seen, refunds that are not made, disputes. It is of every night, and asked for again when a line of
 * the book speaks of money, else now and then.
 */

import { read } from "../api.js";
import { el } from "../elements.js";
import { ms, nightText, spanText } from "../venue-clock.js";
import { pounds, referenceText } from "../words.js";
import { paymentAmount, refundText, standingMark, whenText } from "./money.js";

/** @typedef {import("./page.js").Page} Page */

const EVERY_MS = 20_000;
const SOON_MS = 400;
const SHOWN_MAX = 12;
const LONG_MS = 10 * 60_000; // an online refund takes seconds

export class Attention {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    /** @type {any[]} */
    this.items = [];
    this.seen = 0;
    this.timer = 0;
    this.key = "";
    this.all = false;
    /** @type {HTMLElement[]} */
    this.rows = [];
    if (page.may("payment:list")) this.#soon(0);
  }

  /** The rows, what is oldest first. @returns {HTMLElement[]} */
  draw() {
    if (!this.page.may("payment:list")) return [];
    const newest = this.page.live.lines.find((line) => /^(PAYMENT|REFUND|BOOKING_C)/.test(line.type));
    if (newest && newest.version !== this.seen) {
      this.seen = newest.version;
      this.#soon(SOON_MS);
    }
    const now = Math.floor(this.page.live.clock.now() / 60_000);
    const key = JSON.stringify([this.items, this.all, now, this.page.guests.fetchedAt]);
    if (key !== this.key) {
      this.key = key;
      this.rows = this.#make();
    }
    return this.rows;
  }

  get count() {
    return this.items.length;
  }

  /** @param {number} wait */
  #soon(wait) {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#ask(), wait);
  }

  async #ask() {
    if (!document.hidden) {
      try {
        const open = await read("/v1/payments/open");
        this.items = [
          ...open.disputes.map((/** @type {any} */ one) => ({ ...one, kind: "disputed" })),
          ...open.refunds.map((/** @type {any} */ one) => ({ ...one, kind: "pending" })),
          ...open.unverified.map((/** @type {any} */ one) => ({ ...one, kind: "unverified" })),
        ];
        this.page.draw();
      } catch {
        // The connection's own sign says that the service is away.
      }
    }
    this.#soon(EVERY_MS);
  }

  #make() {
    const shown = this.items.slice(0, this.all ? undefined : SHOWN_MAX);
    const rows = shown.map((item) => this.#row(item));
    if (shown.length < this.items.length)
      rows.push(
        el(
          "button",
          {
            class: "button button-wide",
            type: "button",
            onclick: () => {
              this.all = true;
              this.page.draw();
            },
          },
          `Show all ${this.items.length}`,
        ),
      );
    return rows;
  }

  /** @param {any} item */
  #row(item) {
    const { guests, money } = this.page;
    const about = item.refund ?? item.payment;
    const name = guests.names[about.booking_id] ?? guests.row(about.booking_id)?.name;
    const title = name ?? referenceText(item.reference);
    const amount = item.kind === "disputed" ? pounds(about.disputed_pence) : paymentAmount(about);
    return el(
      "button",
      {
        class: "party money-row",
        type: "button",
        "data-id": about.refund_id ?? about.payment_id,
        "data-kind": item.kind,
        onclick: () => money.show(about.booking_id, title, this.#more(item)),
      },
      el("span", { class: "party-table" }, amount),
      el("span", { class: "party-name" }, title),
      el("span", { class: "party-figure" }, standingMark(this.#standing(item))),
      el("span", { class: "party-more" }, `${nightText(item.night)} · since ${whenText(about.asked_at ?? about.at)}`),
    );
  }

  /** @param {any} item */
  #standing({ kind, payment, refund }) {
    if (kind === "disputed") return { state: "disputed", word: "Disputed" };
    if (payment?.differs) return { state: "unverified", word: "Not as asked" };
    if (kind === "unverified") return { state: "unverified", word: "Verify" };
    if (refund.method !== "online") return { state: "pending", word: "Give back" };
    const waited = this.page.live.clock.now() - ms(refund.asked_at);
    const word = refund.why === "late" ? "Late money" : waited > LONG_MS ? `Stuck ${spanText(waited)}` : "Refund pending";
    return { state: waited > LONG_MS || refund.problem ? "stuck" : "pending", word };
  }

  /** What to do about what no button here can do. @param {any} item */
  #more({ kind, refund, night, reference }) {
    const text =
      kind === "disputed"
        ? "The guest's bank was asked to take it back. Answer in Stripe's own pages before the day that stands there; how it ends comes here by itself."
        : refund?.method === "online"
          ? `${refundText(refund)}. If it stays, look at it in Stripe's own pages.`
          : "";
    return el(
      "div",
      {},
      text && el("p", { class: "small soft" }, text),
      el("p", { class: "small soft" }, `${nightText(night)} · reference ${referenceText(reference)}`),
    );
  }
}
