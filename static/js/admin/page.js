// @ts-check
/** The administration: sections by the address's fragment, drawn from what the service answers. */

import { send } from "../api.js";
import { wipe } from "../door/keeping.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { owesSecondFactor } from "../entrance.js";
import { icon } from "../icons.js";
import { offerTheme } from "../theme.js";
import { tellProblem } from "../toasts.js";
import { timeText } from "../venue-clock.js";
import { Audit } from "./audit.js";
import { Bans } from "./bans.js";
import { Desk, isSignedOut } from "./desk.js";
import { Devices } from "./devices.js";
import { DoorLog } from "./door-log.js";
import { keepingFocus, walkRows } from "./list.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { Quarantine } from "./quarantine.js";
import { ROLE_WORD } from "./says.js";
import { Sessions } from "./sessions.js";
import { Staff } from "./staff.js";

/**
 * A section: `load` asks the service, `draw` shows what it found; `acts` stand beside the title.
 * `asked` is what the fragment says behind its `?`.
 * @typedef {{
 *   load: (asked: URLSearchParams) => Promise<any>, draw: (found: any) => any, acts?: () => any,
 *   lively: boolean,
 * }} Section
 */

const LIVELY_MS = 10_000; // others act too: a list is never older than this while it is looked at
// Each question keeps the session awake, so a screen that nobody touches stops asking: what is left
// open ends as idle sessions do.
const TOUCHED_MS = 5 * 60_000;

/** @type {[string, string, string, string, new (desk: Desk) => Section][]} */
const SECTIONS = [
  ["staff", "Staff", "staff:list", "Who works here, and what each may do.", Staff],
  ["devices", "Devices", "device:manage", "The tablets and cameras at the doors.", Devices],
  ["sessions", "Sessions", "session:list", "Who is signed in, and where.", Sessions],
  ["audit", "Audit", "audit:read", "Who did what, newest first.", Audit],
  [
    "door-log", "Door log", "door_log:read",
    "The night's figures; who was kept out, let in all the same or taken back; head counts and incidents.", DoorLog,
  ],
  ["bans", "Bans", "ban:manage", "Who is not welcome. The doors are told.", Bans],
  [
    "quarantine", "Quarantine", "quarantine:manage",
    "Scans that came from a device after it was revoked.", Quarantine,
  ],
  ["messages", "Messages", "message:manage", "What guests were told, and what could not be sent.", Outbox],
  ["people", "People", "person:reveal", "A guest asks what is kept about them.", People],
]; // prettier-ignore

const desk = new Desk();
/** @type {Map<string, Section>} */
const opened = new Map();
/** @type {Section | null} */
let current = null;
let asked = new URLSearchParams();
let turn = 0;
let shown = "";
let loadedAt = 0;
let touchedAt = performance.now();

offerTheme(byId("theme"));
fill(byId("floor"), icon("map"));
offerSignOut();
start().catch(notReached);

async function start() {
  await desk.open();
  if (owesSecondFactor(desk.session)) return signIn();
  const { name, role } = desk.session;
  write(byId("who"), `${name} · ${ROLE_WORD[role] ?? role}`);
  byId("sign-out").hidden = false;
  const sections = mine();
  if (sections.length === 0) return turnAway();
  drawNav(sections);
  desk.refresh = () => ask(false);
  addEventListener("hashchange", () => show());
  document.addEventListener("visibilitychange", () => document.hidden || stroll());
  document.addEventListener("keydown", walkRows);
  for (const kind of ["keydown", "pointerdown", "pointermove"])
    document.addEventListener(kind, () => (touchedAt = performance.now()), { passive: true });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("heading").focus();
  });
  setInterval(stroll, 1000);
  await show();
}

/** The sections that this person may see. */
function mine() {
  return SECTIONS.filter(([, , permission]) => desk.may(permission));
}

/** @param {typeof SECTIONS} sections */
function drawNav(sections) {
  const nav = byId("nav");
  fill(
    nav,
    sections.map(([name, title]) => el("a", { href: `#${name}`, "data-section": name }, title)),
  );
  nav.hidden = false;
  nav.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const links = [...nav.children];
    const from = links.indexOf(/** @type {Element} */ (event.target));
    if (!step || from < 0) return;
    event.preventDefault();
    /** @type {HTMLElement} */ (links[(from + step + links.length) % links.length]).focus();
  });
}

/** The section of the address is shown; the first one for an address without. */
async function show() {
  const [wish, query = ""] = location.hash.slice(1).split("?");
  const sections = mine();
  const [name, title, , lead, Kind] = sections.find(([one]) => one === wish) ?? sections[0];
  for (const link of byId("nav").children)
    mark(link, "aria-current", link.getAttribute("data-section") === name ? "page" : null);
  document.title = `${title} · Administration · The Backroom`;
  if (!opened.has(name)) opened.set(name, new Kind(desk));
  current = /** @type {Section} */ (opened.get(name));
  asked = new URLSearchParams(query);
  byId("main").dataset.section = name;
  fill(
    byId("head"),
    el(
      "div",
      {},
      el("h1", { id: "heading", tabindex: "-1" }, title),
      el("p", { class: "soft" }, lead),
    ),
    el("div", { class: "section-acts" }, current.acts?.()),
  );
  fill(byId("section"), el("p", { class: "soft", role: "status" }, "Asking…"));
  shown = "";
  await ask(true);
}

/** Asks the service and draws what is new. @param {boolean} first nothing is shown yet */
async function ask(first) {
  const section = /** @type {Section} */ (current);
  const mineNow = (turn += 1);
  try {
    const found = await section.load(asked);
    if (mineNow !== turn) return;
    loadedAt = performance.now();
    note("");
    const text = JSON.stringify(found);
    if (text === shown) return;
    shown = text;
    keepingFocus(byId("section"), () => fill(byId("section"), section.draw(found)));
  } catch (error) {
    if (isSignedOut(error)) return signIn();
    if (mineNow !== turn) return;
    if (first) fill(byId("section"), refusal(error));
    else note(`Not up to date: ${error instanceof Error ? error.message : error}`);
    loadedAt = performance.now();
  }
}

/** A list that others change is asked for again, but not under somebody's hands. */
function stroll() {
  if (!current?.lively || document.hidden || document.querySelector("dialog[open]")) return;
  const now = performance.now();
  if (now - touchedAt > TOUCHED_MS || now - loadedAt < LIVELY_MS) return;
  loadedAt = now;
  ask(false);
}

/** @param {unknown} error */
function refusal(error) {
  return [
    el("p", { class: "form-error", role: "alert" }, error instanceof Error ? error.message : ""),
    el("button", { class: "button", type: "button", onclick: () => show() }, "Try again"),
  ];
}

/** @param {string} text "" takes it away */
function note(text) {
  byId("note").hidden = text === "";
  write(byId("note"), text && `${text} (${timeText(desk.clock.now())})`);
}

/** Somebody whose work is elsewhere. */
function turnAway() {
  byId("floor").hidden = true;
  fill(byId("head"), el("h1", { id: "heading", tabindex: "-1" }, "Administration"));
  fill(
    byId("section"),
    el(
      "div",
      { class: "empty", id: "not-for-you" },
      el("h2", {}, `Good evening, ${desk.session.name}`),
      el(
        "p",
        { class: "soft" },
        "This page is for managers. If you need something changed here, ask the manager on duty.",
      ),
      el("a", { class: "button button-main", href: "/door" }, "To the door"),
    ),
  );
}

/** @param {unknown} error */
function notReached(error) {
  if (isSignedOut(error)) return signIn();
  fill(
    byId("section"),
    el("p", { class: "form-error", role: "alert" }, error instanceof Error ? error.message : ""),
    el(
      "button",
      { class: "button button-main", type: "button", onclick: () => location.reload() },
      "Try again",
    ),
  );
}

function offerSignOut() {
  const button = byId("sign-out");
  fill(button, icon("leave"));
  button.addEventListener("click", async () => {
    try {
      await send("DELETE", "/v1/session");
      await wipe().catch(() => null); // what the door's page kept on this device goes too
      location.assign("/sign-in?next=/admin");
    } catch (error) {
      tellProblem(error, "Not signed out");
    }
  });
}

function signIn() {
  location.replace(`/sign-in?next=${encodeURIComponent("/admin" + location.hash)}`);
}
