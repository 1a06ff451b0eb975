// @ts-check
/** The hold or booking made on this device: its countdown, its deposit, and the code. */

import { read, readPicture, send, Problem } from "../api.js";
import { askSure } from "../dialog.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { Deposit, hasBegun } from "../pay/deposit.js";
import { moneyText } from "../pay/says.js";
import { showLink } from "../share.js";
import { tell, tellProblem } from "../toasts.js";
import { countdownText, longNightText, ms, timeText } from "../venue-clock.js";
import { capital, partyText, pounds, referenceText, tablesSpoken } from "../words.js";
import { dropHold, keepHold, keptHold } from "./held.js";

/** @typedef {import("../live.js").Live} Live */

const AGAIN_MS = 2000; // a hold is asked for: the desk may confirm it at any moment
const AT_ONCE_MS = 250; // when its tables change; frames that come together are one question
const URGENT_MS = 120_000;
const LATE_MS = 60_000; // so long after its end money may still come in for a hold
const ENDED = new Set(["expired", "released", "cancelled", "no_show", "completed"]);

export class Ticket {
  /** @param {Live} live @param {any} floor @param {() => void} onChange */
  constructor(live, floor, onChange) {
    this.live = live;
    this.floor = floor;
    this.onChange = onChange;
    this.place = byId("ticket");
    /** @type {any} */
    this.booking = null;
    this.extended = false;
    this.timer = 0;
    this.dueAt = 0;
    this.askedAt = -Infinity;
    this.key = "";
    this.endedAt = Infinity;
    this.deposit = new Deposit((answer) => this.#paid(answer));
    /** @type {unknown[]} what the live floor says of its tables; compared by identity */
    this.tables = [];
    document.addEventListener("held", () => this.#held());
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    setInterval(() => this.#tick(), 500);
  }

  /** A hold was made a moment ago: the eye and the keyboard go there. */
  #held() {
    this.resume();
    this.place.querySelector("h2")?.focus({ preventScroll: true });
    this.place.scrollIntoView({ block: "start" });
  }

  /** Shows what this device holds, if anything. */
  resume() {
    const kept = keptHold();
    if (!kept) return;
    this.booking = kept.booking;
    this.#draw();
    this.askedAt = -Infinity;
    this.refresh();
  }

  /** Asks how the booking stands, soon and not too often. @param {number} [againMs] */
  refresh(againMs = AGAIN_MS) {
    if (!keptHold()) return;
    const dueAt = Math.max(performance.now() + 50, this.askedAt + againMs);
    if (this.timer && this.dueAt <= dueAt) return;
    clearTimeout(this.timer);
    this.dueAt = dueAt;
    this.timer = window.setTimeout(() => this.#ask(), dueAt - performance.now());
  }

  /** A live frame came: when it changed the booking's tables, the booking is read again at once. */
  follow() {
    const { state } = this.live;
    if (!this.booking || state?.night !== this.booking.night) return;
    /** @type {unknown[]} */
    const tables = this.booking.tables.map((/** @type {number} */ n) => state.document.tables[n]);
    const moved = tables.some((table, index) => table !== this.tables[index]);
    this.tables = tables;
    if (moved) this.refresh(AT_ONCE_MS);
  }

  async #ask() {
    this.timer = 0;
    this.askedAt = performance.now();
    const kept = keptHold();
    if (!kept) return;
    try {
      const booking = await read(`/v1/bookings/${kept.booking_id}`, { token: kept.token });
      const changed = booking.status !== this.booking?.status;
      this.booking = { ...kept.booking, ...booking, token: kept.token };
      keepHold(this.booking);
      if (changed) this.onChange();
    } catch (error) {
      if (error instanceof Problem && (error.status === 404 || error.status === 401))
        this.booking = { ...kept.booking, status: "expired" };
    }
    this.#draw();
    // A hold may be confirmed at the desk at any moment; a booking changes seldom.
    if (this.#mayStillChange() && !document.hidden) this.refresh();
  }

  /** A hold does; so does one that ran out while it was paid, for as long as money may come. */
  #mayStillChange() {
    if (this.booking?.status === "pending") return true;
    if (this.booking?.status !== "expired" || !hasBegun(this.booking.booking_id)) return false;
    this.endedAt = Math.min(this.endedAt, performance.now());
    return performance.now() - this.endedAt < LATE_MS;
  }

  #tick() {
    const count = this.place.querySelector(".ticket-count");
    if (!count || !this.booking?.hold_expires_at) return;
    const left = ms(this.booking.hold_expires_at) - this.live.clock.now();
    write(count, countdownText(left));
    mark(count, "data-urgent", left < URGENT_MS ? "" : null);
    this.deposit.tick(left);
    if (left <= 0) this.refresh();
  }

  #draw() {
    const { booking } = this;
    this.place.hidden = booking === null;
    if (!booking) return;
    const key = JSON.stringify([
      booking.status,
      booking.hold_expires_at,
      booking.tables,
      booking.paid_pence,
      booking.admitted,
      this.extended,
    ]);
    if (booking.status === "pending") this.deposit.show(booking, this.live.clock.now());
    if (key === this.key) return;
    this.key = key;
    const focused = document.activeElement;
    this.#fill(booking);
    // What was only moved keeps the keyboard's focus.
    if (focused instanceof HTMLElement && this.place.contains(focused))
      focused.focus({ preventScroll: true });
  }

  /** @param {any} booking */
  #fill(booking) {
    if (ENDED.has(booking.status)) return this.#ended(booking);
    const title = el("h2", { tabindex: "-1" }, tablesSpoken(booking.tables));
    const who = el(
      "p",
      { class: "soft" },
      longNightText(booking.night),
      el("br"),
      capital(`${partyText(booking.party)}, from ${timeText(booking.from)}`),
    );
    if (booking.status === "pending") {
      fill(
        this.place,
        el("p", { class: "eyebrow" }, "Held for you"),
        title,
        who,
        el("p", { class: "ticket-count", role: "timer" }, ""),
        this.deposit.place,
        el(
          "div",
          {},
          el("p", { class: "small soft" }, "Reference"),
          el("p", { class: "ticket-reference" }, referenceText(booking.reference)),
        ),
        el(
          "div",
          { class: "ticket-actions" },
          this.#keepLink("button"),
          !this.extended &&
            el(
              "button",
              { class: "button", type: "button", onclick: () => this.#extend() },
              "I need more time",
            ),
          el(
            "button",
            { class: "button button-danger", type: "button", onclick: () => this.#release() },
            "Let it go",
          ),
        ),
      );
      this.#tick();
    } else {
      const picture = el("img", {
        class: "ticket-code",
        alt: "Your entry code",
        width: "280",
        height: "280",
      });
      fill(
        this.place,
        el("p", { class: "eyebrow" }, booking.status === "seated" ? "Enjoy your night" : "Booked"),
        title,
        who,
        picture,
        el("p", { class: "ticket-reference" }, referenceText(booking.reference)),
        el(
          "p",
          { class: "soft" },
          booking.admitted > 0
            ? `${booking.admitted} of ${booking.party} have come in.`
            : "Show this at the door. It lets in your whole party, together or one by one.",
        ),
        booking.paid_pence > 0 &&
          el("p", { class: "small soft" }, `Deposit: ${pounds(booking.paid_pence)} paid`),
        el(
          "div",
          { class: "ticket-actions" },
          this.#keepLink("button button-main"),
          el(
            "button",
            { class: "button button-plain small", type: "button", onclick: () => this.#forget() },
            "Remove from this phone",
          ),
        ),
      );
      this.#drawCode(picture);
    }
  }

  /** @param {any} booking */
  #ended(booking) {
    const words = {
      expired: "The hold ran out",
      released: "Let go",
      cancelled: "Cancelled",
      no_show: "The table was given away",
      completed: "Thank you for coming",
    };
    const money = el("p", { role: "status" });
    if (booking.status === "expired" && hasBegun(booking.booking_id))
      write(
        money,
        "If your bank paid in the last moment, the table is yours again while it is free. Otherwise the money goes back by itself. This page shows which.",
      );
    moneyText(booking.booking_id, booking.token).then((text) => text && write(money, text));
    fill(
      this.place,
      el("h2", {}, /** @type {any} */ (words)[booking.status]),
      el(
        "p",
        { class: "soft" },
        booking.status === "completed"
          ? "We hope to see you again."
          : `${tablesSpoken(booking.tables)} may be free still: look below.`,
      ),
      money,
      el(
        "button",
        { class: "button button-main", type: "button", onclick: () => this.#forget() },
        "Choose again",
      ),
    );
  }

  /** @param {HTMLImageElement} picture */
  async #drawCode(picture) {
    try {
      picture.src = await readPicture(
        `/v1/bookings/${this.booking.booking_id}/code.svg`,
        this.booking.token,
      );
      picture.addEventListener("load", () => URL.revokeObjectURL(picture.src), { once: true });
    } catch (error) {
      tellProblem(error, "The code cannot be shown yet");
    }
  }

  /** @param {string} look */
  #keepLink(look) {
    return el(
      "button",
      { class: look, type: "button", onclick: () => this.#showLink() },
      "Keep this link",
    );
  }

  /** The link by which the booking is reached from anywhere, also when this phone forgets it. */
  async #showLink() {
    let address = "";
    try {
      const { booking_id: id, token } = this.booking;
      const made = await send("POST", `/v1/bookings/${id}/link`, {}, { token });
      address = `${location.origin}${made.link}`;
    } catch (error) {
      return tellProblem(error, "No link was made");
    }
    await showLink(
      "Keep this link",
      "It opens your booking and its entry code on any phone, until a week after the night. Whoever has it can come in with it, or cancel: send it to nobody you would not bring.",
      address,
      "Link to your booking",
    );
  }

  /** What paying made of the hold is shown at once. @param {any} answer */
  #paid(answer) {
    if (answer === null) return this.refresh(AT_ONCE_MS);
    const { deposit: _step, ...booking } = answer;
    const changed = booking.status !== this.booking?.status;
    this.booking = { ...this.booking, ...booking, token: this.booking.token };
    this.extended = true; // beginning to pay takes the one extension
    keepHold(this.booking);
    this.#draw();
    if (!changed) return;
    this.place.querySelector("h2")?.focus({ preventScroll: true });
    this.place.scrollIntoView({ block: "start" });
    this.onChange();
  }

  async #extend() {
    try {
      const answer = await send(
        "POST",
        `/v1/holds/${this.booking.booking_id}/extend`,
        {},
        { token: this.booking.token },
      );
      this.extended = true;
      this.booking = { ...this.booking, ...answer, token: this.booking.token };
      keepHold(this.booking);
      this.#draw();
      tell("Extended", `The table is yours until ${timeText(this.booking.hold_expires_at)}.`);
    } catch (error) {
      this.extended ||= error instanceof Problem && error.status === 409;
      this.key = "";
      this.#draw();
      tellProblem(error, "Not extended");
    }
  }

  async #release() {
    if (!(await askSure("Let the table go?", "It will be free for anybody at once.", "Let it go")))
      return;
    try {
      await send("DELETE", `/v1/holds/${this.booking.booking_id}`, null, {
        token: this.booking.token,
      });
      tell("Let go", "The table is free again.");
    } catch (error) {
      if (!(error instanceof Problem && (error.status === 404 || error.status === 409)))
        return tellProblem(error, "Not let go");
    }
    this.#forget();
  }

  #forget() {
    dropHold();
    this.booking = null;
    this.endedAt = Infinity;
    this.key = "";
    this.extended = false;
    this.#draw();
    this.onChange();
  }
}
