// @ts-check
/**
 * The page on which a card pays a hold's deposit: the one page that Stripe's script may run on.
 *
 * The service is asked how the payment stands when the page opens, after the card form is done, and
 * when a bank sends the guest back; what the address then says of it (`redirect_status`) is never
 * taken for the truth. When the hold is paid the guest is back where they came from, at their code.
 */

import { Problem, read, send } from "../api.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { offerTheme } from "../theme.js";
import { VenueClock, countdownText, longNightText, ms, useTimeZone } from "../venue-clock.js";
import { partyText, pounds, referenceText, tablesSpoken } from "../words.js";
import { CardForm, CardTrouble } from "./card.js";
import { noteBegun } from "./deposit.js";
import { keyOf, tellBack } from "./key.js";
import { AWAY, UNSURE, declinedText, moneyText, troubleText } from "./says.js";
import { askWays, forgetWays } from "./ways.js";

const AGAIN_MS = 2500; // the hold is asked for: it may be paid, or run out, in another place
const LOOK_MS = 4000;
const LOOKS_MAX = 15;
const ATTEMPTS = 3;
const URGENT_MS = 120_000;
const PAID = new Set(["confirmed", "seated", "completed"]);

const address = new URLSearchParams(location.search);
const id = address.get("booking") ?? "";
const returned = address.get("redirect_status"); // a bank sent the guest here
const key = keyOf(id);
const clock = new VenueClock();
/** @type {any} */
let booking = null;
/** @type {import("./ways.js").Ways | null} */
let ways = null;
/** @type {CardForm | null} */
let card = null;
let busy = false;
let looks = 0;
let over = false;

offerTheme(byId("theme"));
// The intent's secret, which a bank hands back in the address, belongs in no history.
if (location.search) history.replaceState(null, "", `/pay?booking=${encodeURIComponent(id)}`);
byId("form").addEventListener("submit", (event) => event.preventDefault());
if (key === null) noKey();
else start();

async function start() {
  if (key === null) return;
  /** @type {HTMLAnchorElement} */ (byId("back")).href = key.back;
  try {
    const [floor, nights] = await Promise.all([
      read("/v1/floor"),
      read("/v1/nights"),
      askWays().then((found) => (ways = found)),
      look(),
    ]);
    useTimeZone(floor.time_zone);
    clock.set(nights.now, nights.speed);
  } catch (error) {
    if (error instanceof Problem && [401, 404].includes(error.status)) return noKey();
    return trouble(`${troubleText(error)} Nothing was taken.`, "Try again", () => location.reload());
  }
  setInterval(tick, 500);
  setInterval(watch, AGAIN_MS);
  drawWhat();
  if (settled()) return;
  if (ways?.how !== "stripe") return location.replace(key.back); // it is paid there
  await begin();
}

/** The booking as it is now. */
async function look() {
  booking = await read(`/v1/bookings/${id}`, { token: key?.token });
}

/** It may be paid or over by what happens elsewhere: at the desk, by the clock, by Stripe's word. */
async function watch() {
  if (document.hidden || over) return;
  try {
    await look();
  } catch {
    return; // what is asked next says it
  }
  drawWhat();
  settled();
}

/** Whether there is nothing to pay here any more; then the guest is told, or back at their code. */
function settled() {
  if (key === null || booking.status === "pending") return false;
  if (over) return true;
  over = true;
  card?.clear();
  byId("form").hidden = true;
  if (PAID.has(booking.status)) {
    write(byId("trouble"), "Paid. Here is your code…");
    tellBack(key, booking);
    location.replace(key.back);
    return true;
  }
  trouble("The hold ran out before it was paid.", "Choose a table", () => location.assign("/"));
  moneyText(id, key.token).then((text) => text && write(byId("trouble"), text));
  return true;
}

/** The payment goes on from where it stands; the service asks Stripe. */
async function begin() {
  noteBegun(id);
  let answer;
  try {
    answer = await send("POST", `/v1/holds/${id}/confirm`, null, { token: key?.token, attempts: ATTEMPTS });
  } catch (error) {
    forgetWays();
    const away = error instanceof Problem && error.reason === "payments_away";
    return trouble(away ? AWAY : troubleText(error), "Try again", () => begin());
  }
  booking = answer;
  drawWhat();
  if (settled()) return;
  const step = answer.deposit;
  if (step.state === "processing") return processing();
  if (step.state === "action") return unanswered(step);
  await offer(step, step.state === "failed" || returned === "failed" ? declinedText(step.why) : "");
}

/** The bank has not decided yet: it is looked at again by itself for a while. */
function processing() {
  byId("form").hidden = true;
  looks += 1;
  trouble("Your bank has it. Your code comes by itself: stay here, or come back to your hold later.");
  if (looks <= LOOKS_MAX) setTimeout(() => over || begin(), LOOK_MS);
}

/** The bank asks its customer, and nobody has answered yet. @param {any} step */
function unanswered(step) {
  form(step);
  say("Your bank asks whether it is you. Answer it, or pay with another card.", false);
  card ??= new CardForm(byId("card"), publicKey(step), step.client_secret);
  buttons(
    ["Answer your bank", () => settle(() => /** @type {CardForm} */ (card).ask())],
    ["Another card", () => offer(step, "")],
  );
}

/** The card form. @param {any} step @param {string} before what went wrong with the last try */
async function offer(step, before) {
  form(step);
  say(before || "Loading the card form…", Boolean(before));
  buttons();
  card?.clear();
  card = new CardForm(byId("card"), publicKey(step), step.client_secret);
  try {
    await card.show();
  } catch (error) {
    if (over) return;
    say(error instanceof CardTrouble ? error.message : troubleText(error), true);
    return buttons(["Try again", () => offer(step, "")]);
  }
  if (over) return;
  say(before, Boolean(before));
  buttons([`Pay ${pounds(step.amount_pence)}`, () => settle(() => /** @type {CardForm} */ (card).pay(returnAddress()))]);
}

/**
 * The card form is done with it, and the service is asked what became of it.
 * @param {() => Promise<void>} paying
 */
async function settle(paying) {
  if (busy || over) return;
  busy = true;
  drawBusy();
  say("One moment. Do not close this page…", false);
  try {
    await paying();
    say("Paid. Asking for your code…", false);
    await begin();
  } catch (error) {
    const kind = error instanceof CardTrouble ? error.kind : "unsure";
    if (kind === "card")
      say(`${/** @type {Error} */ (error).message} Nothing was taken: try again, or use another card.`, true);
    else {
      await begin(); // whether it was paid, only Stripe knows
      if (!over && !byId("form").hidden) say(UNSURE, true);
    }
  } finally {
    busy = false;
    drawBusy();
  }
}

function returnAddress() {
  return `${location.origin}/pay?booking=${encodeURIComponent(id)}`;
}

/** @param {any} step */
function publicKey(step) {
  return step.publishable_key ?? ways?.publishable_key ?? "";
}

// ------------------------------------------------------------------------------------- drawing

function drawWhat() {
  const { status } = booking;
  fill(
    byId("what"),
    el("p", { class: "eyebrow" }, status === "pending" ? "Held for you" : "Your booking"),
    el("h1", {}, tablesSpoken(booking.tables)),
    el("p", { class: "soft" }, `${longNightText(booking.night)}, ${partyText(booking.party)}`),
    status === "pending" && el("p", { class: "countdown", role: "timer" }, ""),
    el("p", { class: "small soft" }, `Reference ${referenceText(booking.reference)}`),
  );
  tick();
}

function tick() {
  const count = byId("what").querySelector(".countdown");
  if (!count || !booking?.hold_expires_at || !clock.known) return;
  const left = ms(booking.hold_expires_at) - clock.now();
  write(count, countdownText(left));
  mark(count, "data-urgent", left < URGENT_MS ? "" : null);
}

/** @param {any} step */
function form(step) {
  byId("form").hidden = false;
  byId("trouble").hidden = true;
  write(byId("owed"), `Deposit of ${pounds(step.amount_pence)}`);
}

/** @param {string} text @param {boolean} bad */
function say(text, bad) {
  write(byId("note"), text);
  mark(byId("note"), "data-bad", bad ? "" : null);
}

/** @param {...[string, () => unknown]} ways */
function buttons(...ways) {
  fill(
    byId("buttons"),
    ways.map(([label, onclick], index) =>
      el("button", { class: `button ${index === 0 ? "button-main" : ""}`, type: "button", onclick }, label),
    ),
  );
}

function drawBusy() {
  for (const button of byId("buttons").querySelectorAll("button")) {
    mark(button, "aria-disabled", busy ? "true" : null);
    mark(button, "data-busy", busy && button.classList.contains("button-main") ? "" : null);
  }
}

/** In place of the form. @param {string} text @param {string} [label] @param {() => unknown} [onclick] */
function trouble(text, label, onclick) {
  const place = byId("trouble");
  place.hidden = false;
  byId("form").hidden = true;
  write(place, text);
  place.nextElementSibling?.querySelector("button")?.remove();
  if (label) byId("back").before(el("button", { class: "button button-main", type: "button", onclick: () => {
    place.nextElementSibling?.querySelector("button")?.remove();
    write(place, "One moment…");
    onclick?.();
  } }, label));
}

/** This browser knows nothing of the booking: a bank's app may have opened another one. */
function noKey() {
  /** @type {Object<string, string>} */
  const said = {
    succeeded: "Your bank says that it is paid.",
    processing: "Your bank has it, and has not decided yet.",
    failed: "Your bank did not pay, and nothing was taken.",
  };
  write(
    byId("trouble"),
    `${said[returned ?? ""] ?? "This browser has no hold to pay for."} Open your booking where you began, or by its link: how it stands is shown there.`,
  );
  write(byId("back"), "See which tables are free");
}
