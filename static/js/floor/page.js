// @ts-check
/** The manager's live map: puts the pieces together and draws them from the live night. */

import { read, send, Problem } from "../api.js";
import { wipe } from "../door/keeping.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { owesSecondFactor } from "../entrance.js";
import { markFloor, offerFloors } from "../floors.js";
import { icon } from "../icons.js";
import { FloorMap } from "../map.js";
import { Live } from "../live.js";
import { tablePicture } from "../picture.js";
import { offerTheme } from "../theme.js";
import { tell, tellProblem } from "../toasts.js";
import { useTimeZone } from "../venue-clock.js";
import { Chooser } from "./chooser.js";
import { Commands } from "./commands.js";
import { watchDevices } from "./devices.js";
import { drawHeader, drawLegend, drawLink } from "./header.js";
import { Guests } from "./guests.js";
import { Money } from "./money.js";
import { offerNights } from "./nights.js";
import { Panel } from "./panel.js";
import { Sheet } from "./sheet.js";
import { Wishes } from "./wishes.js";

/**
 * What the pieces of this page share.
 * @typedef {{
 *   live: Live, floor: any, session: any, map: FloorMap, guests: Guests, commands: Commands,
 *   chooser: Chooser, sheet: Sheet, panel: Panel, money: Money, wishes: Wishes, may: (permission: string) => boolean,
 *   selected: number | null, select: (number: number | null) => void, draw: () => void,
 *   tonight: string | null, when: () => "past" | "tonight" | "coming",
 * }} Page
 */

const TICK_MS = 500; // countdowns show whole seconds
const NIGHTS_MS = 60_000; // a night becomes tonight, or is over

start().catch((error) => {
  if (error instanceof Problem && error.status === 401) return signIn();
  const again = el(
    "button",
    { class: "button button-main", onclick: () => location.reload() },
    "Try again",
  );
  fill(
    byId("cover"),
    el("h2", { class: "title" }, "Not reached"),
    el("p", {}, error.message),
    again,
  );
  setTimeout(() => location.reload(), 5000);
});

async function start() {
  offerTheme(byId("theme"));
  const [session, floor, nights] = await Promise.all([
    read("/v1/session"),
    read("/v1/floor"),
    read("/v1/nights"),
  ]);
  if (owesSecondFactor(session)) return signIn();
  useTimeZone(floor.time_zone);
  const may = (/** @type {string} */ permission) => session.permissions.includes(permission);
  const live = new Live({
    audience: may("live:manager") ? "manager" : "door",
    night: wishedNight(),
  });
  live.clock.set(nights.now, nights.speed);

  /** @type {Page} */
  const page = /** @type {any} */ ({ live, floor, session, may, selected: null });
  page.tonight = nights.tonight;
  page.when = () => whenIs(page);
  page.guests = new Guests(live, () => page.draw());
  page.commands = new Commands(page);
  page.chooser = new Chooser(page);
  page.select = (number) => select(page, number);
  page.draw = () => draw(page);
  page.map = new FloorMap(byId("map"), floor.drawings, floor.floors, {
    onChoose: (number) => (page.chooser.open ? page.chooser.toggle(number) : page.select(number)),
    onDrop: (from, to) => page.sheet.move(from, [to]),
    mayDrag: (number) =>
      may("booking:move") && !page.chooser.open && picture(page, number).booking !== null,
  });
  page.money = new Money(page);
  page.wishes = new Wishes(page);
  page.panel = new Panel(page);
  page.sheet = new Sheet(page);

  offerFloorSwitch(page);
  offerNights(page, nights);
  offerKeys(page);
  offerSignOut(page);
  fill(byId("admin"), icon("keys"));
  byId("admin").hidden = !may("audit:read");
  live.listen(() => draw(page));
  live.start();
  setInterval(() => drawTick(page), TICK_MS);
  if (may("device:manage")) watchDevices();
  setInterval(() => askTonight(page), NIGHTS_MS);
  setInterval(() => drawLink(live), 200);
}

/** Whether the night on the screen is the one in the house now. @param {Page} page */
function whenIs({ live, tonight }) {
  const shown = live.state?.night;
  if (!shown || shown === tonight || live.night === null) return "tonight";
  return tonight !== null && shown < tonight ? "past" : "coming";
}

/** @param {Page} page */
async function askTonight(page) {
  try {
    page.tonight = (await read("/v1/nights")).tonight;
    page.draw();
  } catch {
    // The next minute asks again; the connection says what is wrong.
  }
}

/** @param {Page} page */
function draw(page) {
  const { live } = page;
  drawLink(live);
  if (live.link === "signed_out") return signIn();
  const cover = byId("cover");
  cover.hidden = live.state !== null;
  if (!live.state) {
    if ((live.link === "live" || live.link === "delayed") && live.servedNight === null) {
      fill(
        cover,
        el("h2", { class: "title" }, "No night is open"),
        el("p", {}, "Open one with the button at the top left; the tables appear here at once."),
      );
    } else if (live.link === "reconnecting") {
      fill(
        cover,
        el("h2", { class: "title" }, "No live connection"),
        el(
          "p",
          {},
          "This page tries again by itself. If other pages load, something between here and the " +
            "service blocks WebSockets: try another network.",
        ),
      );
    }
    return;
  }
  page.guests.follow();
  drawHeader(page);
  drawLegend(page);
  drawTick(page);
  page.map.note("pending", page.commands.pendingTables());
  page.panel.draw();
  page.sheet.draw();
  page.chooser.draw();
}

/** What moves with the clock alone. @param {Page} page */
function drawTick(page) {
  const { live } = page;
  if (!live.state) return;
  const numbers = Object.keys(live.state.document.tables).map(Number);
  page.map.draw(numbers.map((number) => picture(page, number)));
  page.sheet.tick();
  drawHeader(page);
  const silent = live.link === "stale" || live.link === "reconnecting" || live.link === "revoked";
  mark(byId("stage"), "data-stale", silent && live.silenceMs > 3000 ? "" : null);
  const note = byId("stale");
  note.hidden = !byId("stage").hasAttribute("data-stale") && live.link !== "delayed";
  mark(note, "data-delayed", live.link === "delayed" ? "" : null);
  const seconds = Math.round(live.silenceMs / 1000);
  write(
    note,
    live.link === "delayed"
      ? "▲ Delayed: this network cuts live connections; refreshed every 2 s"
      : live.link === "revoked"
        ? "▲ Your access was ended. This map is not live."
        : `▲ Not live: what you see is ${Number.isFinite(seconds) ? `${seconds} s` : "some time"} old`,
  );
}

/** @param {Page} page @param {number} number */
function picture(page, number) {
  return tablePicture(number, /** @type {any} */ (page.live.state).document, {
    names: page.guests.names,
    nowMs: page.live.clock.now(),
    graceMinutes: page.floor.grace_minutes ?? 30,
  });
}

/** @param {Page} page @param {number | null} number */
function select(page, number) {
  const before = page.selected;
  page.selected = number;
  page.map.note("selected", number === null ? [] : [number]);
  if (number !== null) {
    showFloor(page.map.tables.get(number)?.dataset.floor ?? "upstairs");
    page.panel.open();
    page.sheet.show(number);
  } else {
    page.sheet.hide();
    if (before !== null) page.map.focus(before);
  }
}

/** On a narrow screen one floor is shown at a time. @param {Page} page */
function offerFloorSwitch(page) {
  offerFloors(byId("floor-switch"), page.floor.floors, showFloor);
  showFloor("upstairs");
}

/** @param {string} name */
function showFloor(name) {
  byId("map").dataset.floor = name;
  markFloor(byId("floor-switch"), name);
}

/** @param {Page} page */
function offerKeys(page) {
  document.addEventListener("keydown", (event) => {
    const typing =
      event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (page.chooser.open) page.chooser.cancel();
      else if (page.selected !== null) page.select(null);
      else page.panel.close();
      event.preventDefault();
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      page.select(null);
      page.panel.search();
    }
  });
}

/** @param {Page} page */
function offerSignOut(page) {
  const button = byId("sign-out");
  fill(button, icon("leave"));
  button.title = `${page.session.name}: sign out`;
  button.addEventListener("click", async () => {
    try {
      page.live.connection.stop();
      await send("DELETE", "/v1/session");
      await wipe().catch(() => null); // what the door's page kept on this device goes too
      tell("Signed out");
    } catch (error) {
      tellProblem(error, "Not signed out");
    }
    location.assign("/sign-in?next=/floor");
  });
}

function wishedNight() {
  const night = new URLSearchParams(location.search).get("night") ?? "";
  return /^\d{4}-\d{2}-\d{2}$/.test(night) ? night : null;
}

function signIn() {
  location.replace(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
}
