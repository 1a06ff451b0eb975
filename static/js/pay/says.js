// @ts-check
/** What a guest is told when paying does not go through: what happened, and what to do. */

import { Problem, Unreachable, read } from "../api.js";
import { pounds } from "../words.js";

export const AWAY =
  "Paying online can't be reached at the moment. Try again in a minute, or pay at the desk.";
export const UNSURE =
  "No answer came, so it is not certain yet. Try again: it goes on with the same payment, and nothing is paid twice.";

/** @type {Object<string, string>} the bank's reasons that a guest can do something about */
const DECLINED = {
  insufficient_funds: "There is not enough money on this card.",
  expired_card: "This card is out of date.",
  incorrect_cvc: "The security code is not the card's.",
  invalid_cvc: "The security code is not the card's.",
  incorrect_number: "The card's number is not right.",
  card_velocity_exceeded: "This card is over its limit.",
  withdrawal_count_limit_exceeded: "This card is over its limit.",
  payment_intent_authentication_failure: "Your bank did not get your approval.",
  authentication_required: "Your bank did not get your approval.",
  processing_error: "Your bank had trouble with it.",
};

/** @param {string | null | undefined} why Stripe's word for it */
export function declinedText(why) {
  const reason = DECLINED[why ?? ""] ?? "Your bank declined the card.";
  return `${reason} Nothing was taken, and your table is still held: try again, or use another card.`;
}

/** @param {unknown} error */
export function troubleText(error) {
  if (error instanceof Unreachable) return UNSURE;
  if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error);
  if (error.reason === "payments_away") return AWAY;
  if (error.reason === "hold_expired")
    return "The time ran out before this payment began. Nothing was taken: hold a table again.";
  return error.message;
}

/**
 * Where the money of a booking that is over is now; "" when none was paid, or nobody can say.
 * @param {string} id @param {string | null} token
 */
export async function moneyText(id, token) {
  try {
    return whereabouts(await read(`/v1/bookings/${id}/payments`, { token }));
  } catch {
    return ""; // what is certain is shown all the same
  }
}

/** The same of money that was asked for already. @param {any} money */
export function whereabouts(money) {
  const { payments, refunds, kept_pence: kept } = money;
  /** @param {string} status @param {boolean} online */
  const sum = (status, online) =>
    refunds
      .filter((/** @type {any} */ one) => one.status === status && (one.method === "online") === online)
      .reduce((/** @type {number} */ total, /** @type {any} */ one) => total + one.amount_pence, 0);
  const said = [
    [sum("pending", true), "is on its way back to your card. Banks take up to ten days to show it."],
    [sum("succeeded", true), "went back to your card. Banks take up to ten days to show it."],
    [sum("pending", false), "waits for you at the desk."],
    [sum("succeeded", false), "was given back at the desk."],
    [payments.length ? kept : 0, "of the deposit stays with the club, by the terms you booked under."],
  ];
  return said
    .filter(([amount]) => Number(amount) > 0)
    .map(([amount, text]) => `${pounds(Number(amount))} ${text}`)
    .join(" ");
}
