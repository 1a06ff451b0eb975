// @ts-check
/**
 * The money of a booking, for who may see it: where it is in a word and a shape, what a second
 * person has to see, and what goes back.
 *
 * The live floor carries two figures and two flags; payments, refunds and the policy's amount are
 * asked for when somebody looks, and again when those change.
 */

import { read, send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el, fill } from "../elements.js";
import { withStepUp } from "../step-up.js";
import { tell } from "../toasts.js";
import { dateText, timeText } from "../venue-clock.js";
import { capital, pence, pounds } from "../words.js";

/** @typedef {import("./page.js").Page} Page */
/** @typedef {{state: string, word: string}} Standing */

const KNOWN_MAX = 200;
const AGAIN_MS = 5000;
/** How online money is not what was asked for. @type {Object<string, string>} */
const DIFFERS = {
  less: "Less than we asked for came. The rest is to pay at the desk: the door sends them there.",
  more: "More than we asked for came. What is too much goes back to the card by itself.",
  currency: "It came in another currency and pays nothing here. All of it goes back to the card by itself; tell the guest.",
  booking: "In Stripe's own pages it names another booking. It counts for this one, for which we asked it.",
};
/** @type {Object<string, string>} */
const WHY = {
  cancelled: "cancelled",
  goodwill: "goodwill",
  late: "came too late for its hold",
  twice: "was paid twice",
  excess: "was more than we asked for",
  currency: "was in another currency",
  stripe: "made in Stripe's own pages",
};

/** Where the money is, in one word; what needs somebody comes first. @param {any} booking @param {any} money null: not known yet @returns {Standing} */
export function standingOf(booking, money) {
  const paid = booking.paid_pence ?? 0;
  const payments = money?.payments ?? [];
  if (booking.disputed || payments.some(isDisputed)) return { state: "disputed", word: "Disputed" };
  if (money?.refunding_pence > 0) return { state: "pending", word: "Refund pending" };
  if (money && money.refunded_pence > 0 && money.kept_pence === 0)
    return { state: "refunded", word: "Refunded" };
  if (payments.some(isUnseen)) return { state: "unverified", word: "Paid online, not as asked" };
  if (payments.some(isUnverified)) return { state: "unverified", word: "Paid at the desk, not verified" };
  if (money?.refunded_pence > 0) return { state: "part", word: "Refunded in part" };
  if (paid === 0) {
    if (booking.payment_failed) return { state: "declined", word: "Card declined" };
    return booking.deposit_pence > 0
      ? { state: "unpaid", word: "Unpaid" }
      : { state: "free", word: "No deposit" };
  }
  if (paid < (booking.deposit_pence ?? 0)) return { state: "part", word: "Paid in part" };
  const online = payments.some((/** @type {any} */ one) => one.method === "online");
  const where = money === null ? "" : online ? " online" : " at the desk";
  return { state: "paid", word: `Paid${where}` };
}

/** Whether somebody has to do something about it. @param {Standing} standing */
export function needsSomebody({ state }) {
  return !["paid", "unpaid", "free", "refunded", "part"].includes(state);
}

/** The word with its shape: neither depends on the colour. @param {Standing} standing */
export function standingMark({ state, word }) {
  return el(
    "span",
    { class: "money-state", "data-money": state },
    el("i", { class: "money-shape", "aria-hidden": "true" }),
    word,
  );
}

/** Taken at the desk and seen by nobody else yet. @param {any} payment */
function isUnverified(payment) {
  return payment.method !== "online" && payment.verified_by === null;
}

/** Came online otherwise than it was asked for, and seen by nobody yet. @param {any} payment */
function isUnseen(payment) {
  return payment.differs !== null && payment.verified_by === null;
}

/** An amount in the smallest unit of its currency. @param {number} amount @param {any} money a payment or a refund */
function amountText(amount, { currency }) {
  if (currency === "gbp") return pounds(amount);
  const form = new Intl.NumberFormat("en-GB", { style: "currency", currency });
  return form.format(amount / 10 ** (form.resolvedOptions().maximumFractionDigits ?? 2));
}

/** What a payment's money is, in its own currency. @param {any} payment */
export function paymentAmount(payment) {
  return amountText(payment.amount_pence, payment);
}

export class Money {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.sees = page.may("payment:list");
    /** @type {Map<string, any>} */
    this.known = new Map();
    /** @type {Map<string, string>} what each was asked for */
    this.asked = new Map();
    /** @type {Map<string, string>} */
    this.names = new Map();
    if (this.sees && page.may("staff:list")) this.#learnNames();
  }

  /** What is known of the booking's money; asked for when its figures changed. @param {string} id @param {any} booking */
  of(id, booking) {
    if (!this.sees) return null;
    const wanted = JSON.stringify([
      booking.status, booking.paid_pence, booking.disputed, booking.payment_failed, booking.edition,
    ]);
    if (this.asked.get(id) !== wanted) {
      this.asked.set(id, wanted);
      this.ask(id);
    }
    return this.known.get(id) ?? null;
  }

  /** Asks again. @param {string} id */
  async ask(id) {
    try {
      this.known.set(id, await read(`/v1/bookings/${id}/payments`));
      if (this.known.size > KNOWN_MAX) this.known.delete([...this.known.keys()][0]);
      this.page.draw();
    } catch {
      setTimeout(() => this.asked.delete(id), AGAIN_MS); // a later drawing asks again
    }
    return this.known.get(id) ?? null;
  }

  async #learnNames() {
    try {
      const { staff } = await read("/v1/staff");
      for (const one of staff) this.names.set(`staff:${one.staff_id}`, one.name);
      this.page.draw();
    } catch {
      // Ids are told without names.
    }
  }

  /** @param {string | null} actor */
  nameOf(actor) {
    if (actor === `staff:${this.page.session.staff_id}`) return "you";
    return this.names.get(actor ?? "") ?? "somebody of the staff";
  }

  /**
   * A booking's money in a dialog, also of one that is over.
   * @param {string} id @param {string} title @param {Node | null} [more] @returns {Promise<void>}
   */
  async show(id, title, more = null) {
    const money = await this.page.commands.look(`/v1/bookings/${id}/payments`);
    if (!money) return;
    const place = el("div", { class: "card" });
    const draw = (/** @type {any} */ now) => {
      this.known.set(id, now);
      fill(place, this.view(id, now, now, async () => draw((await this.ask(id)) ?? now)));
    };
    draw(money);
    await showDialog(title, () => [place, more]);
    this.page.draw();
  }

  /**
   * Everything about it, with what may be done now.
   * @param {string} id @param {any} booking @param {any} money @param {() => unknown} [after] what was done
   */
  view(id, booking, money, after = () => this.ask(id)) {
    const { may } = this.page;
    return [
      el("h3", { class: "eyebrow" }, "Money"),
      standingMark(standingOf(booking, money)),
      money &&
        el(
          "ul",
          { class: "money-lines" },
          money.payments.map((/** @type {any} */ one) => el("li", {}, this.#paymentText(one))),
          money.refunds
            .filter((/** @type {any} */ one) => one.status !== "void")
            .map((/** @type {any} */ one) => el("li", {}, refundText(one))),
        ),
      money &&
        money.kept_pence > 0 &&
        ["pending", "confirmed"].includes(money.status) &&
        el("p", { class: "small soft" }, `Cancelling now gives back ${money.refund_due_pence > 0 ? `${pounds(money.refund_due_pence)} of ${pounds(money.kept_pence)}` : "nothing"}, by the booking's own terms.`),
      money &&
        el(
          "div",
          { class: "actions" },
          may("payment:verify") && money.payments.filter(isUnseen).map((/** @type {any} */ one) => this.#seen(one, after)),
          may("payment:verify") && money.payments.filter(isUnverified).map((/** @type {any} */ one) => this.#verify(one, after)),
          may("payment:refund") &&
            money.refunds
              .filter((/** @type {any} */ one) => one.status === "pending" && one.method !== "online")
              .map((/** @type {any} */ one) => this.#given(one, after)),
          may("payment:refund") &&
            money.kept_pence > 0 &&
            el(
              "button",
              { class: "button wide", type: "button", "data-act": "refund", onclick: () => this.#askRefund(id, money, after) },
              "Give money back…",
            ),
        ),
    ];
  }

  /** @param {any} payment */
  #paymentText(payment) {
    const { amount_pence: amount, method, at, verified_by: verified, dispute } = payment;
    const how = method === "online" ? "online" : `by ${method} at the desk, taken by ${this.nameOf(payment.taken_by)}`;
    return [
      `${amountText(amount, payment)} ${how}, ${whenText(at)}`,
      payment.differs ? ` · ${pounds(payment.asked_pence)} was asked for. ${DIFFERS[payment.differs]}` : "",
      method !== "online" && verified !== null ? `, verified by ${this.nameOf(verified)}` : "",
      method === "online" && verified !== null ? ` Seen by ${this.nameOf(verified)}.` : "",
      dispute ? ` · the guest's bank: ${capital(dispute)}, ${pounds(payment.disputed_pence ?? 0)}` : "",
    ].join("");
  }

  /** @param {any} payment @param {() => unknown} after */
  #verify(payment, after) {
    const amount = pounds(payment.amount_pence);
    if (payment.taken_by === `staff:${this.page.session.staff_id}`)
      return el("p", { class: "small soft wide" }, `You took the ${amount} yourself: somebody else has to verify it.`);
    return el(
      "button",
      {
        class: "button button-main",
        type: "button",
        "data-act": "verify",
        onclick: () =>
          this.#sure(
            `Verify ${amount}?`,
            `${capital(this.nameOf(payment.taken_by))} took it by ${payment.method} at the desk, ${whenText(payment.at)}. Look at the till or the slip first: your name stands beside theirs.`,
            `I have seen ${amount}`,
            `/v1/payments/${payment.payment_id}/verify`,
            `${amount} verified`,
            after,
          ),
      },
      `Verify desk payment of ${amount}`,
    );
  }

  /** @param {any} payment @param {() => unknown} after */
  #seen(payment, after) {
    const amount = paymentAmount(payment);
    return el(
      "button",
      {
        class: "button button-main",
        type: "button",
        "data-act": "seen",
        onclick: () =>
          this.#sure(
            `${amount} in place of ${pounds(payment.asked_pence)}?`,
            `${DIFFERS[payment.differs]} Look at it in Stripe's own pages first: your name stands beside it.`,
            "I have looked at it",
            `/v1/payments/${payment.payment_id}/verify`,
            `${amount} is seen`,
            after,
          ),
      },
      `Say that ${amount} is seen`,
    );
  }

  /** @param {any} refund @param {() => unknown} after */
  #given(refund, after) {
    const amount = pounds(refund.amount_pence);
    return el(
      "button",
      {
        class: "button button-main",
        type: "button",
        "data-act": "given",
        onclick: () =>
          this.#sure(
            `${amount} given back?`,
            "Say so when the guest has it in the hand, or on the card at the desk's terminal.",
            `${amount} is given back`,
            `/v1/refunds/${refund.refund_id}/given`,
            `${amount} given back`,
            after,
          ),
      },
      `${amount} given back at the desk`,
    );
  }

  /** @param {string} title @param {string} text @param {string} verb @param {string} path @param {string} done @param {() => unknown} after */
  #sure(title, text, verb, path, done, after) {
    return showDialog(title, (close) => [
      actForm(
        verb,
        [el("p", {}, text)],
        async () => {
          await command(path, {});
          tell(done);
          await after();
        },
        close,
      ),
    ]);
  }

  /** How much, with the policy's amount first. @param {string} id @param {any} money @param {() => unknown} after */
  #askRefund(id, money, after) {
    const { kept_pence: kept, refund_due_pence: due, payments } = money;
    const online = payments.some((/** @type {any} */ one) => one.method === "online" && one.kept_pence > 0);
    const desk = payments.some((/** @type {any} */ one) => one.method !== "online" && one.kept_pence > 0);
    const other = el("input", { class: "input", name: "other", inputmode: "decimal", autocomplete: "off" });
    /** @param {string} value @param {string} label @param {boolean} checked */
    const choice = (value, label, checked) =>
      el("label", { class: "check" }, el("input", { type: "radio", name: "amount", value, checked }), label);
    const byPolicy = due > 0 && due < kept;
    const last = choice("other", "Another amount", false);
    other.addEventListener("input", () => {
      /** @type {HTMLInputElement} */ (last.querySelector("input")).checked = true;
    });
    return showDialog("Give money back", (close) => [
      actForm(
        "Give back",
        [
          el(
            "fieldset",
            { class: "change-sets" },
            el("legend", {}, due > 0 ? `By the booking's terms ${pounds(due)} comes back now` : "By the booking's terms nothing comes back now"),
            byPolicy && choice(String(due), `${pounds(due)}, what the terms give`, true),
            choice(String(kept), `${pounds(kept)}, all that is kept`, !byPolicy),
            last,
          ),
          field("Amount", other, `At most ${pounds(kept)}`),
          el(
            "p",
            { class: "small soft" },
            [online && "What was paid online goes back to the card by itself.", desk && "What was paid at the desk you hand over, and then mark as given."].filter(Boolean).join(" "),
          ),
        ],
        async (data) => {
          const chosen = data.get("amount") === "other" ? pence(String(data.get("other"))) : Number(data.get("amount"));
          if (chosen === null || chosen === 0)
            throw new Error("The amount is not a sum of money. Write it like 15 or 19.99.");
          await command(`/v1/bookings/${id}/refund`, { amount_pence: chosen });
          tell(`${pounds(chosen)} goes back`, online ? "It is at the card's bank within seconds; the bank may take days." : "Hand it over, then mark it as given.");
          await after();
        },
        close,
        "button-danger",
      ),
    ]);
  }
}

/** With a step-up where the service asks for one: the same command by the same key. @param {string} path @param {Object<string, any>} body */
function command(path, body) {
  const key = crypto.randomUUID();
  return withStepUp(() => send("POST", path, body, { key }));
}

/** @param {any} payment */
function isDisputed(payment) {
  return payment.dispute !== null && !["won", "warning_closed"].includes(payment.dispute);
}

/** @param {any} refund */
export function refundText(refund) {
  const why = WHY[refund.why] ?? refund.why;
  const amount = amountText(refund.amount_pence, refund);
  if (refund.status === "succeeded") return `${amount} given back, ${whenText(refund.done_at)} (${why})`;
  if (refund.method !== "online") return `${amount} to give back at the desk, since ${whenText(refund.asked_at)} (${why})`;
  const tried = refund.problem ? `. Not made yet: ${capital(refund.problem)}. It is tried again by itself` : "";
  return `${amount} on its way to the card since ${whenText(refund.asked_at)} (${why})${tried}`;
}

/** @param {string} instant */
export function whenText(instant) {
  return `${dateText(instant)}, ${timeText(instant)}`;
}
