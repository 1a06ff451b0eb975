// @ts-check
/**
 * The public page: what is free, and a hold. Right without a socket: the availability call and its
 * ETag carry it; the socket only tells when to ask again.
 */

import { read, readTagged, send } from "../api.js";
import { actForm, field, showDialog, stepper } from "../dialog.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { Live } from "../live.js";
import { FloorMap } from "../map.js";
import { offerTheme } from "../theme.js";
import { tell, tellProblem } from "../toasts.js";
import { longNightText, nightText, timeText, useTimeZone } from "../venue-clock.js";
import { partyText, pounds, tablesSpoken } from "../words.js";
import { Ticket } from "./ticket.js";

const POLL_MS = 15_000; // without a socket
const SETTLE_MS = 400; // changes that come together are asked for once
const AGAIN_MS = 2000;
const SHOWN_FIRST = 5;
const PARTY_MAX = 12;

/** @typedef {{tables: number[], strategy: string, reasons: {reason: string, text: string}[],
 *   deposit_pence: number, minimum_spend_pence: number}} Offer */

const choice = { night: "", party: 4, floor: "" };
/** @type {Offer[]} */
let offers = [];
/** @type {{reason: string, detail: string} | null} */
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
/** @type {Live | null} */
let live = null;
let tag = "";
let asked = "";
let timer = 0;
let answeredAt = -Infinity;

offerTheme(byId("theme"));
start().catch((error) => {
  write(byId("hero-more"), "The page cannot reach the club just now. Trying again…");
  console.warn(error);
  setTimeout(() => location.reload(), 5000);
});

async function start() {
  [floor, nights] = await Promise.all([read("/v1/floor"), read("/v1/nights")]);
  useTimeZone(floor.time_zone);
  const open = openNights();
  choice.night = open.find((night) => night.night === nights.tonight)?.night ?? open[0]?.night ?? "";
  live = new Live({ audience: "public", night: choice.night === nights.tonight ? null : choice.night });
  live.clock.set(nights.now, nights.speed);
  const ticket = new Ticket(live, floor, () => refresh(0));
  map = new FloorMap(byId("map"), floor.drawings, floor.floors, { onChoose: chooseTable });
  drawChoice();
  drawMap();
  let seen = -1;
  live.listen(() => {
    drawLink();
    if (live?.state && live.state.version !== seen) {
      seen = live.state.version;
      refresh(SETTLE_MS);
      drawMap();
      ticket.refresh();
    }
  });
  live.start();
  refresh(0);
  ticket.resume();
  setInterval(drawLink, 1000);
  setInterval(() => live?.link !== "live" && refresh(0), POLL_MS);
  setInterval(followNights, 60_000);
}

function openNights() {
  return /** @type {any[]} */ (nights.nights).filter((night) => night.status === "open");
}

/** A night may open or close while the page is looked at. */
async function followNights() {
  try {
    nights = await read("/v1/nights");
    if (!openNights().some((night) => night.night === choice.night)) follow(openNights()[0]?.night ?? "");
    drawChoice();
  } catch {
    // The next minute asks again; the link says what is wrong.
  }
}

/** @param {string} night */
function follow(night) {
  choice.night = night;
  live?.follow(night === nights.tonight ? null : night);
  drawChoice();
  refresh(0);
}

// ------------------------------------------------------------------------------- availability

/** Asks what is free, soon and not too often. @param {number} wait */
function refresh(wait) {
  clearTimeout(timer);
  const due = wait === 0 ? 0 : Math.max(wait, answeredAt + AGAIN_MS - performance.now());
  timer = window.setTimeout(ask, due);
}

async function ask() {
  if (!choice.night) return drawOffers();
  const query = new URLSearchParams({ party: String(choice.party) });
  if (choice.floor) query.set("floor", choice.floor);
  const path = `/v1/nights/${choice.night}/availability?${query}`;
  try {
    const answer = await readTagged(path, { seen: path === asked ? tag : null });
    answeredAt = performance.now();
    if (answer === null) return;
    [asked, tag] = [path, answer.tag ?? ""];
    offers = answer.body.sets;
    problem = answer.body.problem ?? null;
  } catch (error) {
    if (path !== asked) {
      offers = [];
      problem = { reason: "unreachable", detail: error instanceof Error ? error.message : String(error) };
    }
  }
  drawOffers();
  drawMap();
}

// ------------------------------------------------------------------------------------ drawing

function drawChoice() {
  const open = openNights();
  const night = open.find((one) => one.night === choice.night);
  write(byId("hero-more"), night
    ? `${choice.night === nights.tonight ? "Tonight" : longNightText(night.night)} · doors ${timeText(night.doors_at)}, till ${timeText(night.closes_at)}`
    : "No night is on sale at the moment");
  fill(byId("nights"), open.map((one) => el("button", {
    class: "night", type: "button", "aria-pressed": String(one.night === choice.night), onclick: () => follow(one.night),
  }, el("span", { class: "eyebrow" }, one.night === nights.tonight ? "Tonight" : "Coming"), el("b", {}, nightText(one.night)), el("span", {}, one.name))));
  if (!byId("party").children.length) {
    byId("party").append(stepper("party", choice.party, 1, PARTY_MAX, (value) => { choice.party = value; all = false; refresh(120); }));
    const floors = [{ name: "", title: "Either" }, ...floor.floors];
    fill(byId("floors"), floors.map((one) => el("button", { type: "button", "data-floor": one.name, onclick: () => wishFloor(one.name) }, one.title)));
    fill(byId("plan-floors"), floor.floors.map((/** @type {any} */ one) =>
      el("button", { type: "button", "data-floor": one.name, onclick: () => showFloor(one.name) }, one.title)));
    wishFloor("");
    showFloor("upstairs");
  }
}

/** @param {string} name */
function wishFloor(name) {
  choice.floor = name;
  for (const button of byId("floors").children) mark(button, "aria-pressed", String(button.getAttribute("data-floor") === name));
  if (name) showFloor(name);
  refresh(0);
}

/** @param {string} name */
function showFloor(name) {
  byId("map").dataset.floor = name;
  for (const button of byId("plan-floors").children) mark(button, "aria-pressed", String(button.getAttribute("data-floor") === name));
}

function drawOffers() {
  write(byId("offers-title"), offers.length ? `${offers.length} ${offers.length === 1 ? "choice" : "choices"} for ${choice.party === 1 ? "one" : choice.party}` : `Tables for ${choice.party === 1 ? "one" : choice.party}`);
  write(byId("offers-more"), offers.length ? "Best fit first. Held for you while you get to the desk." : "\u00a0");
  const place = byId("offers");
  if (!choice.night) return fill(place, nothing("No night is on sale", "Come back soon: nights appear here as they open."));
  if (offers.length === 0) {
    fill(place, problem ? nothing(problem.reason === "unreachable" ? "Not reached" : "Nothing free for this party", problem.detail)
      : nothing("Nothing free for this party", "Every table that fits is taken. Try another night, or a smaller party."));
  } else {
    fill(place, offers.slice(0, all ? undefined : SHOWN_FIRST).map(offerCard));
  }
  const more = byId("more");
  more.hidden = all || offers.length <= SHOWN_FIRST;
  write(more, `Show ${offers.length - SHOWN_FIRST} more`);
  more.onclick = () => { all = true; drawOffers(); };
}

/** @param {string} title @param {string} text */
function nothing(title, text) {
  return el("li", { class: "nothing" }, el("strong", {}, title), el("p", {}, text));
}

/** @param {Offer} offer @param {number} index */
function offerCard(offer, index) {
  const facts = offer.tables.map((number) => factsOf(number));
  const [first] = facts;
  const room = floor.floors.find((/** @type {any} */ one) => one.name === first?.floor)?.title ?? "";
  const features = [...new Set(facts.flatMap((one) => one?.features ?? []))].join(", ");
  const best = index === 0;
  return el("li", { class: "offer", "data-best": best ? "" : null, "data-shown": String(offer.tables) === String(shown) ? "" : null, "data-tables": offer.tables.join(" ") },
    best && el("span", { class: "best" }, "Best fit"),
    el("span", { class: "offer-number", "data-pair": offer.tables.length > 1 ? "" : null, "aria-hidden": "true" }, offer.tables.join("+")),
    el("h3", {}, facts.map((one) => one?.name).join(" and ")),
    el("p", { class: "offer-facts" }, [tablesSpoken(offer.tables), room, features].filter(Boolean).join(" · ")),
    el("div", { class: "reasons" }, offer.reasons.filter((one) => !/_combination$/.test(one.reason)).map((one) =>
      el("span", { class: "reason", "data-good": /exact|best|as_asked|combined/.test(one.reason) && !/not_as/.test(one.reason) ? "" : null }, one.text))),
    el("div", { class: "offer-foot" },
      el("p", { class: "offer-money" }, el("b", {}, pounds(offer.deposit_pence)), " deposit", el("br"), `${pounds(offer.minimum_spend_pence)} minimum spend`),
      el("button", { class: `button ${best ? "button-main" : ""}`, type: "button", "aria-label": `Hold ${tablesSpoken(offer.tables)}`, onclick: () => askHold(offer) }, "Hold")));
}

function drawMap() {
  if (!map || !floor) return;
  const offered = new Set(offers.flatMap((offer) => offer.tables));
  const tables = live?.state?.night === choice.night ? live.state.document.tables : null;
  map.draw(floor.tables.map((/** @type {any} */ table) => {
    const bookable = tables ? tables[String(table.number)]?.bookable : undefined;
    const status = offered.has(table.number) ? "available" : bookable ? "other" : "taken";
    const word = { available: "Free", other: `${table.capacity.min} to ${table.capacity.max}`, taken: bookable === undefined ? "" : "Taken" }[status];
    return { number: table.number, status, word, party: "", arrivals: "", badge: "", late: false, urgent: false, spoken: `Table ${table.number}, ${table.name}, ${word || "not for this party"}` };
  }));
  map.note("selected", shown);
}

/** @param {number} number */
function chooseTable(number) {
  const offer = offers.find((one) => one.tables.length === 1 && one.tables[0] === number) ?? offers.find((one) => one.tables.includes(number));
  if (!offer) {
    const facts = factsOf(number);
    return tell(`Table ${number}, ${facts?.name}`, `It seats ${facts?.capacity.min} to ${facts?.capacity.max}, or is taken on this night.`);
  }
  shown = offer.tables;
  all ||= offers.indexOf(offer) >= SHOWN_FIRST;
  drawOffers();
  drawMap();
  document.querySelector(`.offer[data-tables="${offer.tables.join(" ")}"]`)?.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

/** @param {number} number */
function factsOf(number) {
  return floor.tables.find((/** @type {any} */ table) => table.number === number);
}

function drawLink() {
  if (!live) return;
  mark(byId("link"), "data-link", live.link);
  write(byId("link-text"), live.link === "live" ? "live" : live.link === "connecting" ? "connecting" : "not live");
}

// --------------------------------------------------------------------------------------- hold

/** @param {Offer} offer */
function askHold(offer) {
  shown = offer.tables;
  showFloor(factsOf(offer.tables[0])?.floor ?? "upstairs");
  drawMap();
  return showDialog(`Hold ${tablesSpoken(offer.tables)}`, (close) => [
    el("p", { class: "soft" }, `${longNightText(choice.night)}, ${partyText(choice.party)}. We keep it for ${floor.hold_minutes ?? 10} minutes while you pay the ${pounds(offer.deposit_pence)} deposit at the desk.`),
    actForm("Hold it", [
      field("Name", el("input", { class: "input", name: "name", autocomplete: "name", required: true, maxlength: "120" })),
      field("Phone", el("input", { class: "input", name: "phone", type: "tel", autocomplete: "tel", required: true, maxlength: "30", pattern: "\\+?[0-9 \\(\\)\\-]{5,30}" }), "Only for tonight's booking."),
    ], async (data) => {
      try {
        const booking = await send("POST", "/v1/holds", {
          night: choice.night, tables: offer.tables, party: choice.party,
          contact: { name: String(data.get("name")).trim(), phone: String(data.get("phone")).trim() },
        });
        Ticket.keep(booking);
        document.dispatchEvent(new CustomEvent("held"));
        scrollTo({ top: 0, behavior: "smooth" });
      } finally {
        refresh(0); // whoever was faster, the list should say so
      }
    }, close),
  ]).catch(tellProblem);
}
