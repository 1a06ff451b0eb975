// @ts-check
/** A customer's own booking, by its link: how it stands, the entry code, and what may be done. */

import { Problem, read, readPicture, send } from "../api.js";
import { stayAwake } from "../awake.js";
import { showCalendar } from "../calendar.js";
import { askSure } from "../dialog.js";
import { askCode, askParty, askNight, mayChange } from "./changes.js";
import { byId, el, fact, fill, mark, write } from "../elements.js";
import { floorText } from "../floors.js";
import { FloorMap } from "../map.js";
import { Deposit } from "../pay/deposit.js";
import { whereabouts } from "../pay/says.js";
import { comesBack } from "../pay/ways.js";
import { offerTheme } from "../theme.js";
import { tell, tellProblem } from "../toasts.js";
import {
  VenueClock,
  countdownText,
  longNightText,
  ms,
  timeText,
  useTimeZone,
} from "../venue-clock.js";
import { capital, partyText, pounds, referenceText, tablesSpoken } from "../words.js";
import { guestsCard } from "./guests.js";
import { bookingOf, drop, forget, isKept, keep, takeToken } from "./link.js";
import { rightsCard } from "./rights.js";

const PENDING_MS = 2000; // the desk may confirm it at any moment
const SETTLED_MS = 20_000;
const URGENT_MS = 120_000;
const LIVES = new Set(["confirmed", "seated"]);
/** @type {Object<string, string>} */
const EYEBROW = { pending: "Held for you", confirmed: "Booked", seated: "Enjoy your night" };
/** @type {Object<string, string>} */
const ENDED = {
  expired: "The hold ran out",
  released: "Let go",
  cancelled: "Cancelled",
  no_show: "The table was given away",
  merged: "Joined with another booking",
  completed: "Thank you for coming",
};

const token = takeToken();
const id = token === null ? null : bookingOf(token);
const clock = new VenueClock();
/** @type {any} */
let floor = null;
/** @type {any} */
let booking = null;
let key = "";
let codeShown = "";
let asking = false;
let timer = 0;
/** @type {number | null} venue's time of the last answer */
let knownAt = null;
/** @type {any} what was paid and comes back, once it is known */
let money = null;
let moneyOf = "";
const deposit = new Deposit(() => ask());

const awake = stayAwake(() => codeShown !== "");

offerTheme(byId("theme"));
addEventListener("hashchange", () => location.reload()); // another link, in the same tab
if (token === null) {
  noBooking("No link", "Open this page by the link that came with your booking.");
} else if (id === null) {
  refused();
} else {
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  addEventListener("online", () => ask());
  setInterval(tick, 500);
  ask();
}

/** Asks how the booking stands, and when to ask again. */
async function ask() {
  if (asking || id === null) return;
  asking = true;
  clearTimeout(timer);
  try {
    if (floor === null) floor = await read("/v1/floor");
    useTimeZone(floor.time_zone);
    const [answer, nights] = await Promise.all([
      read(`/v1/bookings/${id}`, { token }),
      clock.known ? null : read("/v1/nights"),
    ]);
    if (nights) clock.set(nights.now, nights.speed);
    booking = answer;
    knownAt = clock.now();
    draw();
    await showCode();
    note("");
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 404)) {
      return refused();
    }
    note(
      booking === null
        ? "The club cannot be reached just now. Trying again…"
        : `Not reached since ${timeText(knownAt ?? clock.now())}. The code still lets you in.`,
    );
  } finally {
    asking = false;
  }
  const settled = booking !== null && booking.status !== "pending";
  if (!document.hidden) timer = window.setTimeout(ask, settled ? SETTLED_MS : PENDING_MS);
}

// ------------------------------------------------------------------------------------- drawing

function draw() {
  if (booking.status === "pending") deposit.show({ ...booking, booking_id: id, token }, clock.now());
  askMoney();
  const shown = JSON.stringify({ ...booking, version: 0, code: null, money });
  if (shown === key) return;
  key = shown;
  const ended = ENDED[booking.status];
  const pending = booking.status === "pending";
  const names = booking.tables.map(
    (/** @type {number} */ number) =>
      floor.tables.find((/** @type {any} */ table) => table.number === number)?.name,
  );
  const focused = document.activeElement;
  fill(
    byId("booking"),
    el("p", { class: "eyebrow" }, ended ? "Your booking" : EYEBROW[booking.status]),
    el("h1", {}, ended ?? tablesSpoken(booking.tables)),
    el("p", { class: "soft" }, ended ? tablesSpoken(booking.tables) : names.join(" and ")),
    pending && el("p", { class: "countdown", role: "timer" }, ""),
    pending && deposit.place,
    ended && money && el("p", { class: "booking-next" }, whereabouts(money)),
  );
  if (focused instanceof HTMLElement && deposit.place.contains(focused) && focused.isConnected)
    focused.focus({ preventScroll: true }); // it was only moved
  byId("more").hidden = false;
  fill(
    byId("more"),
    el(
      "dl",
      { class: "card facts" },
      fact("Night", longNightText(booking.night)),
      fact("From", timeText(booking.from)),
      fact("Party", capital(partyText(booking.party))),
      fact("Deposit", paidText()),
      backText() && fact("Comes back", backText()),
      booking.requests && fact("Requests", booking.requests),
      booking.admitted > 0 && fact("Came in", `${booking.admitted} of ${booking.party}`),
      !LIVES.has(booking.status) && fact("Reference", referenceText(booking.reference)),
    ),
    !ended && place(),
    actions(),
    LIVES.has(booking.status) &&
      booking.party > 1 &&
      guestsCard(/** @type {string} */ (id), /** @type {string} */ (token)),
    rightsCard(/** @type {string} */ (token)),
  );
  tick();
}

function paidText() {
  const { paid_pence: paid, deposit_pence: asked } = booking;
  if (paid >= asked && paid > 0) return `${pounds(paid)} paid`;
  return paid > 0 ? `${pounds(paid)} of ${pounds(asked)} paid` : `${pounds(asked)} to pay`;
}

/** The money is asked for when the booking changed, once something was paid or is over. */
async function askMoney() {
  const wanted = `${booking.status} ${booking.paid_pence} ${booking.edition ?? 0}`;
  if (wanted === moneyOf || booking.status === "pending") return;
  moneyOf = wanted;
  try {
    money = await read(`/v1/bookings/${id}/payments`, { token });
    draw();
  } catch {
    moneyOf = ""; // the next answer about the booking asks again
  }
}

/** What comes back to who cancels now, and until when; "" where there is nothing to say. */
function backText() {
  if (booking.status !== "confirmed" || booking.admitted > 0 || !money?.kept_pence) return "";
  return comesBack(money.policy, booking.from, clock.now());
}

/** Where the tables are, on the drawing of their floor. */
function place() {
  const facts = floor.tables.filter((/** @type {any} */ one) => booking.tables.includes(one.number));
  const room = floor.floors.find((/** @type {any} */ one) => one.name === facts[0]?.floor);
  if (!room) return null;
  // A picture: nothing on it can be chosen.
  const drawn = el("div", { inert: true });
  const map = new FloorMap(drawn, floor.drawings, [room], { onChoose: () => {} });
  map.draw(
    floor.tables.map((/** @type {any} */ table) => {
      const own = booking.tables.includes(table.number);
      return {
        number: table.number,
        status: own ? "mine" : "other",
        word: own ? "Yours" : "",
        party: "",
        arrivals: "",
        badge: "",
        late: false,
        urgent: false,
        spoken: "",
      };
    }),
  );
  const where = floorText(room);
  return el(
    "section",
    { class: "card", "aria-labelledby": "place-title" },
    el("h2", { class: "eyebrow", id: "place-title" }, where),
    el(
      "div",
      { class: "place", role: "img", "aria-label": `${tablesSpoken(booking.tables)}, ${where}` },
      drawn,
    ),
  );
}

function actions() {
  const pending = booking.status === "pending";
  return el(
    "section",
    { class: "card", "aria-label": "This booking" },
    el(
      "div",
      { class: "card-actions" },
      el(
        "button",
        {
          class: "button",
          type: "button",
          "data-act": "keep",
          "aria-pressed": String(isKept()),
          onclick: toggleKept,
        },
        isKept() ? "Forget on this phone" : "Keep on this phone",
      ),
      mayChange(booking, floor, clock.now()) && [
        changing("change-party", "Party and requests", () => askParty(booking, floor, changed)),
        changing("change-night", "Another night", () => askNight(booking, floor, changed)),
      ],
      LIVES.has(booking.status) && changing("calendar", "Add to calendar", calendar),
      LIVES.has(booking.status) &&
        changing("new-code", "New entry code", () => askCode(booking, floor, reissue)),
      (pending || booking.status === "confirmed") &&
        booking.admitted === 0 &&
        el(
          "button",
          {
            class: "button button-danger",
            type: "button",
            "data-act": "cancel",
            onclick: pending ? release : cancel,
          },
          pending ? "Let the table go" : "Cancel the booking",
        ),
    ),
    el(
      "p",
      { class: "small faint" },
      isKept()
        ? "This phone opens your booking without the link; so does whoever holds it."
        : "Kept, your booking opens without the link, also from the home screen.",
    ),
  );
}

/** @param {string} name @param {string} label @param {() => unknown} open */
function changing(name, label, open) {
  return el("button", { class: "button", type: "button", "data-act": name, onclick: open }, label);
}

/** @param {"PATCH" | "POST"} method @param {string} path @param {Object<string, any>} body */
async function changed(method, path, body) {
  await send(method, `/v1/bookings/${id}${path}`, { ...body, edition: booking.edition ?? 0 }, { token });
  tell("Changed", "Your booking stands as you see it here.");
  await ask();
}

/** @param {Object<string, any>} body */
async function reissue(body) {
  const made = await send("POST", `/v1/bookings/${id}/reissue`, body, { token });
  key = ""; // the guests' codes ended with it
  await ask();
  return made;
}

function calendar() {
  const words =
    "Your calendar follows this address: the booking stays right in it when its time or table changes, and shows when it is cancelled.";
  return showCalendar("In your calendar", words, (renew) =>
    send("POST", `/v1/bookings/${id}/calendar`, { renew }, { token }),
  );
}

function toggleKept() {
  if (isKept()) forget();
  else keep(/** @type {string} */ (token));
  key = "";
  draw();
  /** @type {HTMLElement | null} */ (document.querySelector('[data-act="keep"]'))?.focus();
}

/** The entry code, big and on white whatever the theme: a camera has to read it. */
async function showCode() {
  const pass = byId("pass");
  const code = LIVES.has(booking.status) ? (booking.code ?? "") : "";
  pass.hidden = code === "";
  if (code === codeShown) return;
  if (code !== "") {
    const picture = el("img", { class: "pass-code", alt: "Your entry code", width: 400, height: 400 });
    picture.src = await readPicture(`/v1/bookings/${id}/code.svg`, token);
    fill(
      pass,
      picture,
      el("p", { class: "pass-reference" }, referenceText(booking.reference)),
      el("p", {}, "One code lets in your whole party, together or one by one."),
    );
  }
  codeShown = code;
  awake();
}

function tick() {
  const count = byId("booking").querySelector(".countdown");
  if (!count || booking?.status !== "pending" || !booking.hold_expires_at) return;
  const left = ms(booking.hold_expires_at) - clock.now();
  write(count, countdownText(left));
  mark(count, "data-urgent", left < URGENT_MS ? "" : null);
  deposit.tick(left);
}

/** @param {string} text "" takes it away */
function note(text) {
  byId("note").hidden = text === "";
  write(byId("note"), text);
}

// --------------------------------------------------------------------------------------- doing

async function cancel() {
  const paid = booking.paid_pence ? ` ${refundText()}` : "";
  const text = `${tablesSpoken(booking.tables)} on ${longNightText(booking.night)} will be free for anybody, and your entry code stops working. This cannot be undone.${paid}`;
  if (!(await askSure("Cancel this booking?", text, "Cancel the booking"))) return;
  await act("Cancelled", "Not cancelled", () =>
    send("POST", `/v1/bookings/${id}/cancel`, {}, { token }),
  );
}

function refundText() {
  const paid = pounds(booking.paid_pence);
  if (money === null) return `${paid} was paid; what comes back of it follows the club's terms.`;
  const due = money.refund_due_pence;
  if (due === 0) return `${paid} was paid, and it is too late for any of it to come back.`;
  return `${paid} was paid: ${due === booking.paid_pence ? "all of it" : pounds(due)} comes back.`;
}

async function release() {
  const text = `${tablesSpoken(booking.tables)} will be free for anybody at once.`;
  if (!(await askSure("Let the table go?", text, "Let it go"))) return;
  await act("Let go", "Not let go", () => send("DELETE", `/v1/holds/${id}`, null, { token }));
}

/** @param {string} done @param {string} failed @param {() => Promise<unknown>} command */
async function act(done, failed, command) {
  try {
    await command();
    tell(done, `${tablesSpoken(booking.tables)} is free again.`);
  } catch (error) {
    tellProblem(error, failed);
  }
  await ask();
}

function refused() {
  drop();
  noBooking(
    "This link is over",
    "It ended, was taken back, or was not copied whole. Ask the club for a new one.",
  );
}

/** @param {string} title @param {string} text */
function noBooking(title, text) {
  clearTimeout(timer);
  byId("pass").hidden = true;
  byId("pass").replaceChildren();
  byId("more").hidden = true;
  byId("more").replaceChildren();
  note("");
  fill(
    byId("booking"),
    el("h1", {}, title),
    el("p", { class: "soft" }, text),
    el("a", { class: "button button-main", href: "/" }, "See which tables are free"),
  );
}
