// @ts-check
/** The door's tablet: a scan in, a verdict out; tonight's list and the house's count beside it. */

import { actBy, Problem, Unreachable } from "../api.js";
import { stayAwake } from "../awake.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { askIncident } from "../incident.js";
import { Live } from "../live.js";
import { offerTheme } from "../theme.js";
import { tell, tellProblem } from "../toasts.js";
import { useTimeZone } from "../venue-clock.js";
import { FLOOR_WORD, LINK_WORD } from "../words.js";
import { Arrivals } from "./arrivals.js";
import { Clicker } from "./clicker.js";
import { forgetWho, pair, pairByAddress, showDevice, token, whoAndWhere } from "./device.js";
import { drawScans } from "./history.js";
import { Lease } from "./lease.js";
import { offerPanels } from "./panels.js";
import { reportOn } from "./report.js";
import { Scanner } from "./scanner.js";
import { keepShell } from "./shell.js";
import { allowSound, signal } from "./signals.js";
import { askOverride, askUndo } from "./supervisor.js";
import { Typing } from "./typing.js";
import { VerdictFace } from "./verdict.js";
import { offerCamera } from "./viewfinder.js";

/** @typedef {import("./scanner.js").Scan} Scan */

const DOOR_KEY = "backroom.door";
const RETRY_MS = 3000;
const QUIET_MS = 20_000; // so long after the last touch or scan a new release may begin
// What a pairing code is refused for.
const PAIRING = /^(pairing_|device_revoked)/;

const doorChoice = /** @type {HTMLSelectElement} */ (byId("door"));
/** @type {"in" | "out"} */
let direction = "in";
/** @type {Scan | null} the scan whose verdict is on the screen */
let current = null;
let usedAt = performance.now();
/** @type {import("./device.js").Who | null} */
let me = null;
/** @type {{number: number, floor: string}[]} */
let tables = [];
/** @type {import("./lease.js").Door[]} */
let doors = [];

actBy(token);
offerTheme(byId("theme"));
fill(byId("settings"), icon("door"));

const live = new Live({ audience: "door", token });
const face = new VerdictFace({
  onPeople: (people) => current && show(scanner.withPeople(current, people)),
  onAct: (step) => current && act(step, current),
  onClose: () => typing.focus(),
  where,
  doorName: (id) => [...doorChoice.options].find(({ value }) => value === id)?.text ?? id,
  byWhom: (actor) =>
    me?.actors.includes(actor) ? "this tablet" : actor.startsWith("staff:") ? "staff" : "another device",
});
const lease = new Lease({
  token,
  night: () => live.state?.night ?? null,
  door: () => doors.find(({ id }) => id === doorChoice.value) ?? null,
  tables: () => tables,
  expected: () => Object.values(live.state?.document.bookings ?? {}),
  may: () => me !== null && me.device && me.may("lease:use"),
  onRevoked: () => stranger("This tablet's pairing has ended."),
});
const scanner = new Scanner({
  token,
  decide: (body) => /** @type {Promise<any>} */ (lease.decide(body)),
  onVerdict: decided,
  onChange: drawHistory,
});
const arrivals = new Arrivals(live, {
  may: () => me !== null,
  leaves: () => direction === "out",
  untold: () => lease.offline?.untold ?? new Map(),
  ahead: async () => (await lease.ready)?.list ?? null,
  onChoose: (_party, reference) => scan(reference),
  where,
});
const panels = offerPanels();
const camera = offerCamera(scan);
const typing = new Typing({
  onRead: scan,
  onName: (name) => {
    panels.show("tonight");
    arrivals.chooseBy(name);
  },
  onNameChange: (name) => {
    if (name) panels.show("tonight");
    arrivals.search(name);
  },
  onEnter: () => face.enter(),
  onEscape: () => {
    panels.show("");
    face.hide();
  },
  onArrow: (by) => face.asking && (face.step(by), true),
  onTouch: () => {
    usedAt = performance.now();
    allowSound();
    camera?.touch();
    awake();
  },
});
const awake = stayAwake(() => me !== null);

byId("settings").addEventListener("click", () =>
  me ? showDevice(me, lease) : stranger("This tablet is not signed in."),
);
offerDirection();
drawHistory();
// The address of a pairing code, opened where this page stands already: only its end changes.
window.addEventListener("hashchange", () => pairAgain());
arrivals.recall();
begin();
keepShell(
  () =>
    !face.shown &&
    scanner.undecided === 0 &&
    byId("input").matches(":placeholder-shown") &&
    !document.querySelector("dialog[open]") &&
    performance.now() - usedAt > QUIET_MS,
);

async function begin() {
  try {
    await pairByAddress();
    const { who, floor, fresh } = await whoAndWhere();
    useTimeZone(floor.time_zone);
    tables = floor.tables;
    doors = floor.doors;
    arrivals.graceMinutes = floor.grace_minutes;
    offerDoors(floor.doors, who.door);
    const clicker = new Clicker(
      byId("counters"),
      live,
      () => doorChoice.value,
      who.may("headcount:change"),
    );
    byId("incident").hidden = !who.may("incident:record");
    byId("incident").onclick = () =>
      live.state &&
      askIncident({ night: live.state.night, doors: floor.doors.filter((/** @type {any} */ one) => !who.device || one.id === doorChoice.value), door: doorChoice.value });
    live.listen(() => {
      drawLink();
      clicker.draw();
      panels.count(live);
      arrivals.follow();
    });
    live.hear(() => lease.offline?.hear(live));
    live.start();
    setInterval(drawLink, 250);
    me = who;
    awake();
    arrivals.draw();
    if (who.device) reportOn(() => scanner.undecided + lease.untold);
    if (!fresh) confirm();
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return unknown();
    if (error instanceof Problem && PAIRING.test(error.reason)) return stranger(error.message);
    const sentence =
      error instanceof Unreachable ? "The server cannot be reached. Trying again…" : String(error);
    cannot("Not connected", sentence);
    setTimeout(begin, RETRY_MS);
  }
}

/** Opened without a network: who this is was last known, and is asked again until it is answered. */
async function confirm() {
  try {
    const { who, fresh } = await whoAndWhere();
    if (fresh) Object.assign(/** @type {any} */ (me), who);
    else setTimeout(confirm, RETRY_MS);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return unknown();
    setTimeout(confirm, RETRY_MS);
  }
}

// ------------------------------------------------------------------------------------ scanning

/** @param {string} text what was read or typed */
function scan(text) {
  usedAt = performance.now();
  panels.show("");
  show(scanner.read(text, doorChoice.value, direction));
}

/** @param {Scan | null} scan */
function show(scan) {
  if (!scan) return;
  current = scan;
  if (scan.verdict) decided(scan);
}

/**
 * Shows a verdict. One that came late is shown only where its amber still stands: a green light
 * must never appear before a guest whom nobody scanned.
 * @param {Scan} scan @param {boolean} [late]
 */
function decided(scan, late = false) {
  if (!scan.verdict || (late && (current !== scan || !face.shown))) return;
  current = scan;
  face.show(scan.verdict);
  signal(face.kind);
  if (scan.verdict.title === "Sign in") stranger("This tablet may not scan.");
  else if (scan.verdict.reason === "device_revoked") unknown("This tablet's pairing has ended.");
}

/** @param {import("./steps.js").Act} step @param {Scan} scan */
async function act(step, scan) {
  if (step === "again") return scanner.again(scan);
  if (step === "checked") return show(scanner.withSaid(scan, { id_checked: true }));
  if (step === "to_bar") return show(scanner.withSaid(scan, { to_bar: true }));
  if (step === "retry") return show(scanner.withSaid(scan, {}));
  face.hide();
  if (step === "find") {
    panels.show("tonight");
    return typing.openKeyboard();
  }
  try {
    const isDevice = me?.device ?? false;
    if (step === "override") {
      const answer = await askOverride(scan, isDevice);
      if (answer) decided(scanner.overridden(scan, /** @type {any} */ (answer)));
    } else if ((await askUndo(scan, isDevice)) && scan.verdict) {
      scan.verdict = { ...scan.verdict, undone: {}, steps: [] };
      tell("Taken back", "Nobody of this scan is counted any more.");
      drawHistory();
    }
  } catch (error) {
    tellProblem(error, "Not done");
  }
  typing.focus();
}

function drawHistory() {
  drawScans(scanner.scans, live.clock, (scan) => {
    if (scan.state === "sent" || !scan.verdict) return;
    panels.show("");
    current = scan;
    face.show(scan.verdict); // silent: nobody new stands there
  });
}

/** "Upstairs": the floor of a party's tables. @param {number[]} numbers */
function where(numbers) {
  const floor = tables.find((table) => table.number === numbers[0])?.floor;
  return floor ? (FLOOR_WORD[floor] ?? floor) : "";
}

// -------------------------------------------------------------------------- door, link, device

function offerDirection() {
  for (const button of byId("direction").children) {
    button.addEventListener("click", () => {
      direction = /** @type {any} */ (button).dataset.direction;
      byId("direction").dataset.direction = direction;
      for (const other of byId("direction").children)
        mark(other, "aria-pressed", String(other === button));
      typing.focus();
    });
  }
}

/** @param {{id: string, name: string}[]} doors @param {string | null} own a paired tablet's */
function offerDoors(doors, own) {
  const chosen = own ?? localStorage.getItem(DOOR_KEY) ?? doors[0].id;
  doorChoice.disabled = own !== null;
  fill(
    doorChoice,
    doors.map((door) => el("option", { value: door.id, selected: door.id === chosen }, door.name)),
  );
  doorChoice.addEventListener("change", () => {
    localStorage.setItem(DOOR_KEY, doorChoice.value);
    typing.focus();
  });
}

function drawLink() {
  const age = live.silenceMs;
  mark(byId("link"), "data-link", live.link);
  const figure =
    !Number.isFinite(age) || live.link === "connecting"
      ? ""
      : ` · ${age < 10_000 ? (age / 1000).toFixed(1) : Math.round(age / 1000)} s`;
  write(byId("link-text"), `${LINK_WORD[live.link]}${figure}`);
  if (live.link === "signed_out" || live.link === "revoked") {
    if (token() && live.link === "revoked") lease.offline?.revoke();
    lease.offline?.lookAgain();
    live.connection.link = "connecting";
    return stranger(token() ? "This tablet's pairing has ended." : "Your session has ended.");
  }
  const lost = live.link === "reconnecting" || live.link === "stale";
  if (lost && age > 4000) drawLost();
  else if (live.link === "live" || live.link === "delayed") {
    byId("ready").removeAttribute("data-cannot");
    byId("ready").removeAttribute("data-offline");
    write(byId("ready-word"), direction === "in" ? "Ready" : "Ready: out");
    write(
      byId("ready-more"),
      live.servedNight === null && !live.state
        ? "No night is open."
        : live.link === "delayed"
          ? "Scanning works. Figures are delayed: this network cuts live connections."
          : "Scan a code, or type a reference or a name",
    );
  }
}

/** Without the service: what this tablet may still do by itself. */
function drawLost() {
  const [word, more] = lease.words ?? [
    "Cannot verify",
    "The server is out of reach. Nobody is let in on a code until it is back; ask the desk.",
  ];
  cannot(word, more);
  const isReady = lease.view?.status === "ready";
  mark(byId("ready"), "data-offline", isReady ? "" : null);
  mark(byId("ready"), "data-cannot", isReady ? null : "");
}

/** The tablet is paired anew by the address that was opened, and begins again. */
async function pairAgain() {
  try {
    if (await pairByAddress()) location.reload();
  } catch (error) {
    stranger(error instanceof Error ? error.message : String(error));
  }
}

/** @param {string} word @param {string} more */
function cannot(word, more) {
  byId("ready").dataset.cannot = "";
  byId("ready").removeAttribute("data-offline");
  write(byId("ready-word"), word);
  write(byId("ready-more"), more);
}

/** The service takes this tablet for nobody: it lets nobody in by itself either. @param {string} [why] */
async function unknown(why = "This tablet is not signed in.") {
  stranger(why);
  if (token()) (await lease.ready)?.revoke();
}

/** Nobody we know: says so, asks, and keeps nothing of the guests. @param {string} why */
function stranger(why) {
  cannot("Not signed in", why);
  camera?.stop();
  forgetWho();
  arrivals.forget();
  return pair(why);
}
