// @ts-check
/**
 * The public page: what is free, and a hold. Right without a socket: the availability call and its
 * ETag carry it; the socket only tells when to ask again.
 */

import { read, readTagged } from "../api.js";
import { stepper } from "../dialog.js";
import { byId, el, fill, mark, refill, write } from "../elements.js";
import { markFloor, offerFloors } from "../floors.js";
import { Live } from "../live.js";
import { FloorMap } from "../map.js";
import { askWays } from "../pay/ways.js";
import { offerTheme } from "../theme.js";
import { tell } from "../toasts.js";
import { longNightText, nightText, timeText, useTimeZone } from "../venue-clock.js";
import { LINK_WORD } from "../words.js";
import { askJoin, waitInstead, waitsAlready } from "./join.js";
import { onOfferLink } from "./offer-link.js";
import { askHold, factsOf, nothing, offerCard } from "./offers.js";
import { Ticket } from "./ticket.js";
import { Waiting } from "./waitlist.js";

const POLL_MS = 5000; // without a socket; an answer that did not change is a 304
const POLL_LONGEST_MS = 60_000; // while nothing answers
const SETTLE_MS = 400; // changes that come together are asked for once
const AGAIN_MS = 2000;
const SHOWN_FIRST = 5;
const PARTY_MAX = 20; // more than any set of tables takes: the club arranges those

/** @type {Object<string, string>} */
const NO_OFFER = { unreachable: "Not reached", party_too_large: "More than our tables take" };

/** @typedef {import("./offers.js").Offer} Offer */

const choice = { night: "", party: 4, floor: "" };
/** @type {Offer[]} */
let offers = [];
/** @type {{reason: string, detail: string, waitlist?: boolean} | null} */
let problem = null;
/** @type {number[]} */
let shown = [];
let all = false;
/** @type {any} */
let floor = null;
/** @type {any} */
let nights = null;
/** @type {FloorMap | null} */
let map = null;
/** @type {Waiting | null} */
let waiting = null;
/** @type {Live | null} */
let live = null;
let tag = "";
let asked = "";
let timer = 0;
let answeredAt = -Infinity;
let failures = 0;

offerTheme(byId("theme"));
onOfferLink(() => location.reload());
start().catch((error) => {
  write(byId("hero-more"), "The page cannot reach the club just now. Trying again…");
  console.warn(error);
  setTimeout(() => location.reload(), 5000);
});

async function start() {
  [floor, nights] = await Promise.all([read("/v1/floor"), read("/v1/nights")]);
  useTimeZone(floor.time_zone);
  const open = openNights();
  choice.night =
    open.find((night) => night.night === nights.tonight)?.night ?? open[0]?.night ?? "";
  live = new Live({
    audience: "public",
    night: choice.night === nights.tonight ? null : choice.night,
  });
  live.clock.set(nights.now, nights.speed);
  waiting = new Waiting(live, floor, drawOffers);
  const ticket = new Ticket(live, floor, () => refresh(0));
  map = new FloorMap(byId("map"), floor.drawings, floor.floors, { onChoose: chooseTable });
  drawChoice();
  drawMap();
  let seen = "";
  live.listen(() => {
    drawLink();
    const state = live?.state;
    const now = state ? `${state.night} ${state.version}` : seen;
    if (now !== seen) {
      if (state?.night !== choice.night || state?.document.night.status !== "open") followNights();
      seen = now;
      refresh(SETTLE_MS);
      drawMap();
      ticket.follow();
      waiting?.follow();
    }
  });
  live.start();
  askWays().catch(() => {}); // for the hold, which comes soon; it asks again itself
  refresh(0);
  ticket.resume();
  waiting.resume();
  setInterval(drawLink, 1000);
  poll();
  setInterval(followNights, 60_000);
}

/** Asks on while there is no socket that tells when; seldom while nothing answers. */
function poll() {
  const wait = Math.min(POLL_LONGEST_MS, POLL_MS * 2 ** failures);
  setTimeout(() => {
    if (live?.link !== "live" && !document.hidden) refresh(0);
    poll();
  }, wait);
}

/** Those that can be booked: one before tonight is over, also where it is about to be sealed. */
function openNights() {
  return /** @type {any[]} */ (nights.nights).filter(
    (night) => night.status === "open" && night.night >= (nights.tonight ?? ""),
  );
}

/** A night may open, close or become tonight while the page is looked at. */
async function followNights() {
  const wasTonight = choice.night === nights.tonight;
  try {
    nights = await read("/v1/nights");
  } catch {
    return; // The next minute asks again; the link says what is wrong.
  }
  const open = openNights().map((night) => night.night);
  const best = open.includes(nights.tonight) ? nights.tonight : (open[0] ?? "");
  if ((wasTonight && best !== choice.night) || !open.includes(choice.night)) follow(best);
  else drawChoice();
}

/** @param {string} night */
function follow(night) {
  choice.night = night;
  const wish = night === nights.tonight ? null : night;
  if (live && (wish !== null || live.state?.night !== night)) live.follow(wish);
  drawChoice();
  refresh(0);
}

// ------------------------------------------------------------------------------- availability

/**
 * Asks what is free: soon when somebody chose, and not too often for what others did.
 * @param {number} wait
 */
function refresh(wait) {
  clearTimeout(timer);
  const often = wait === SETTLE_MS ? answeredAt + AGAIN_MS - performance.now() : 0;
  timer = window.setTimeout(ask, Math.max(wait, often));
  markStale();
}

/** What the page asks by the choice that is made now. */
function question() {
  const query = new URLSearchParams({ party: String(choice.party) });
  if (choice.floor) query.set("floor", choice.floor);
  return choice.night ? `/v1/nights/${choice.night}/availability?${query}` : "";
}

/** The list answers an earlier choice: nothing of it can be held for the one that is made now. */
function markStale() {
  const stale = question() !== asked;
  byId("offers").inert = stale;
  mark(byId("offers"), "aria-busy", stale && "true");
}

async function ask() {
  const path = question();
  if (!path) return drawOffers();
  try {
    const answer = await readTagged(path, { seen: path === asked ? tag : null });
    answeredAt = performance.now();
    failures = 0;
    drawLink();
    if (answer === null || path !== question()) return; // another choice is asked for already
    [asked, tag] = [path, answer.tag ?? ""];
    offers = answer.body.sets;
    problem = answer.body.problem ?? null;
  } catch (error) {
    failures += 1;
    if (path !== question()) return;
    if (path !== asked) {
      [asked, tag] = [path, ""];
      offers = [];
      problem = {
        reason: "unreachable",
        detail: error instanceof Error ? error.message : String(error),
      };
    }
  }
  drawOffers();
  drawMap();
}

// ------------------------------------------------------------------------------------ drawing

function drawChoice() {
  const open = openNights();
  const night = open.find((one) => one.night === choice.night);
  write(
    byId("hero-more"),
    night
      ? `${choice.night === nights.tonight ? "Tonight" : longNightText(night.night)} · doors ${timeText(night.doors_at)}, till ${timeText(night.closes_at)}`
      : "No night is on sale at the moment",
  );
  refill(
    byId("nights"),
    open.map((one) =>
      el(
        "button",
        {
          class: "night",
          type: "button",
          "aria-pressed": String(one.night === choice.night),
          "data-focus": one.night,
          onclick: () => follow(one.night),
        },
        el("span", { class: "eyebrow" }, one.night === nights.tonight ? "Tonight" : "Coming"),
        el("b", {}, nightText(one.night)),
        el("span", {}, one.name),
      ),
    ),
  );
  if (!byId("party").children.length) {
    byId("party").append(
      stepper("party", choice.party, 1, PARTY_MAX, (value) => {
        choice.party = value;
        all = false;
        refresh(120);
      }),
    );
    offerFloors(byId("floors"), [{ name: "", title: "Either" }, ...floor.floors], wishFloor);
    offerFloors(byId("plan-floors"), floor.floors, showFloor);
    wishFloor("");
    showFloor("upstairs");
  }
}

/** @param {string} name */
function wishFloor(name) {
  choice.floor = name;
  markFloor(byId("floors"), name);
  if (name) showFloor(name);
  refresh(0);
}

/** @param {string} name */
function showFloor(name) {
  byId("map").dataset.floor = name;
  markFloor(byId("plan-floors"), name);
}

function drawOffers() {
  markStale();
  const count = offers.length || "No";
  write(
    byId("offers-title"),
    `${count} ${count === 1 ? "choice" : "choices"} for ${choice.party === 1 ? "one" : choice.party}`,
  );
  write(
    byId("offers-more"),
    offers.length ? "Best fit first. Held for you while you pay the deposit." : "\u00a0",
  );
  const place = byId("offers");
  if (!choice.night)
    return fill(
      place,
      nothing("No night is on sale", "Come back soon: nights appear here as they open."),
    );
  if (offers.length === 0) refill(place, [noOffer()], byId("offers-title"));
  else {
    refill(
      place,
      offers.slice(0, all ? undefined : SHOWN_FIRST).map((offer, index) =>
        offerCard(offer, {
          floor,
          best: index === 0,
          shown: String(offer.tables) === String(shown),
          onHold: hold,
        }),
      ),
      byId("offers-title"),
    );
  }
  const more = byId("more");
  more.hidden = all || offers.length <= SHOWN_FIRST;
  write(more, `Show ${offers.length - SHOWN_FIRST} more`);
  more.onclick = () => {
    all = true;
    drawOffers();
    place.children[SHOWN_FIRST]?.querySelector("button")?.focus();
  };
}

/** In the place of the offers, when there is none. */
function noOffer() {
  if (problem?.waitlist && waiting?.waitsFor(choice.night))
    return waitsAlready(() => waiting?.show());
  if (problem)
    return nothing(
      NO_OFFER[problem.reason] ?? "Nothing free for this party",
      problem.detail,
      problem.waitlist && waitInstead(problem, join),
    );
  return nothing(
    "Nothing free for this party",
    "Every table that fits is taken. Try another night, or a smaller party.",
  );
}

function drawMap() {
  if (!map || !floor) return;
  const offered = new Set(offers.flatMap((offer) => offer.tables));
  const tables = live?.state?.night === choice.night ? live.state.document.tables : null;
  map.draw(
    floor.tables.map((/** @type {any} */ table) => {
      const bookable = tables ? tables[String(table.number)]?.bookable : undefined;
      const status = offered.has(table.number) ? "available" : bookable ? "other" : "taken";
      const word = {
        available: "Free",
        other: `${table.capacity.min} to ${table.capacity.max}`,
        taken: bookable === undefined ? "" : "Taken",
      }[status];
      return {
        number: table.number,
        status,
        word,
        party: "",
        arrivals: "",
        badge: "",
        late: false,
        urgent: false,
        spoken: `Table ${table.number}, ${table.name}, ${word || "not for this party"}`,
      };
    }),
  );
  map.note("selected", shown);
}

/** @param {number} number */
function chooseTable(number) {
  const offer =
    offers.find((one) => one.tables.length === 1 && one.tables[0] === number) ??
    offers.find((one) => one.tables.includes(number));
  if (!offer) {
    const facts = factsOf(floor, number);
    return tell(
      `Table ${number}, ${facts?.name}`,
      `It seats ${facts?.capacity.min} to ${facts?.capacity.max}, or is taken on this night.`,
    );
  }
  shown = offer.tables;
  all ||= offers.indexOf(offer) >= SHOWN_FIRST;
  drawOffers();
  drawMap();
  const card = document.querySelector(`.offer[data-tables="${offer.tables.join(" ")}"]`);
  card?.scrollIntoView({
    block: "center",
    behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
  });
  card?.querySelector("button")?.focus({ preventScroll: true });
}

function drawLink() {
  if (!live) return;
  const fresh = performance.now() - answeredAt < 3 * POLL_MS;
  const lost = live.link !== "live" && live.link !== "connecting";
  const link = lost && fresh ? "delayed" : live.link;
  mark(byId("link"), "data-link", link);
  write(byId("link-text"), lost && !fresh ? "not live" : LINK_WORD[link]);
}

/** @param {Offer} offer */
function hold(offer) {
  shown = offer.tables;
  showFloor(factsOf(floor, offer.tables[0])?.floor ?? "upstairs");
  drawMap();
  const { night, party } = choice;
  return askHold(offer, {
    night,
    party,
    holdMinutes: floor.hold_minutes,
    onAnswer: () => refresh(0),
  });
}

/** Nothing is free: the party waits for it. */
function join() {
  const { night, party } = choice;
  const beyond = problem?.reason === "party_too_large";
  return askJoin({ night, party }, beyond, (entry) => waiting?.join(entry));
}
