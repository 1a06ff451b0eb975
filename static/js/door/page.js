// @ts-check
/** The door's tablet: a scan in, a verdict out, and the house's count beside it. */

import { actBy, read, Problem, Unreachable } from "../api.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { Live } from "../live.js";
import { offerTheme } from "../theme.js";
import { tellProblem } from "../toasts.js";
import { secondsText, useTimeZone } from "../venue-clock.js";
import { beginsReference, LINK_WORD, tablesText, typedText } from "../words.js";
import { Camera, canUseCamera } from "./camera.js";
import { Clicker } from "./clicker.js";
import { pair, pairByAddress, showDevice, token, whoAmI } from "./device.js";
import { reportOn } from "./report.js";
import { Scanner } from "./scanner.js";
import { allowSound, signal } from "./signals.js";
import { shape, VerdictFace } from "./verdict.js";

/** @typedef {import("./scanner.js").Scan} Scan */

const DOOR_KEY = "backroom.door";
const RETRY_MS = 3000;
// What a pairing code is refused for.
const PAIRING = /^(pairing_|device_revoked)/;

const input = /** @type {HTMLInputElement} */ (byId("input"));
const doorChoice = /** @type {HTMLSelectElement} */ (byId("door"));
/** @type {"in" | "out"} */
let direction = "in";

actBy(token);
offerTheme(byId("theme"));
fill(byId("settings"), icon("door"));
fill(byId("keyboard"), icon("keyboard"));
fill(byId("camera"), icon("camera"));

const live = new Live({ audience: "door", token });
const face = new VerdictFace({
  onPeople: (people) => current && show(scanner.withPeople(current, people)),
  onAgain: () => current && scanner.again(current),
  onChecked: () => current && show(scanner.withChecked(current)),
  onClose: () => input.focus(),
  floorOf: (number) => tables.find((table) => table.number === number)?.floor ?? null,
});
const scanner = new Scanner({ token, onVerdict: decided, onChange: drawScans });
/** @type {Scan | null} the scan whose verdict is on the screen */
let current = null;

/** @type {import("./device.js").Who | null} */
let me = null;
/** @type {{number: number, floor: string}[]} */
let tables = [];

byId("settings").addEventListener("click", () =>
  me ? showDevice(me) : stranger("This tablet is not signed in."),
);
offerScanning();
offerDirection();
// The address of a pairing code, opened where this page stands already: only its end changes.
window.addEventListener("hashchange", () => pairAgain());
begin();

async function begin() {
  try {
    await pairByAddress();
    const [who, floor] = await Promise.all([whoAmI(), read("/v1/floor")]);
    useTimeZone(floor.time_zone);
    tables = floor.tables;
    offerDoors(floor.doors, who.door);
    const clicker = new Clicker(
      byId("counters"),
      live,
      () => doorChoice.value,
      who.may("headcount:change"),
    );
    live.listen(() => {
      drawLink();
      clicker.draw();
    });
    live.start();
    setInterval(drawLink, 250);
    me = who;
    if (who.device) reportOn(() => scanner.undecided);
  } catch (error) {
    if (error instanceof Problem && error.status === 401)
      return stranger("This tablet is not signed in.");
    if (error instanceof Problem && PAIRING.test(error.reason)) return stranger(error.message);
    const sentence =
      error instanceof Unreachable ? "The server cannot be reached. Trying again…" : String(error);
    cannot("Not connected", sentence);
    setTimeout(begin, RETRY_MS);
  }
}

// ------------------------------------------------------------------------------------ scanning

function offerScanning() {
  byId("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    input.value = "";
    dressInput();
    if (text.trim()) show(scanner.read(text, doorChoice.value, direction));
    else face.enter();
  });
  input.addEventListener("input", dressInput);
  // A wedge scanner types wherever the focus is: it is brought back to the one input.
  document.addEventListener(
    "keydown",
    (event) => {
      allowSound();
      if (document.querySelector("dialog[open]")) return;
      if (event.key === "Escape") face.hide();
      else if (
        face.asking &&
        !input.value &&
        (event.key === "ArrowUp" || event.key === "ArrowRight")
      )
        face.step(1);
      else if (
        face.asking &&
        !input.value &&
        (event.key === "ArrowDown" || event.key === "ArrowLeft")
      )
        face.step(-1);
      else if (
        event.key.length === 1 &&
        document.activeElement !== input &&
        !event.ctrlKey &&
        !event.metaKey
      ) {
        if (document.activeElement instanceof HTMLSelectElement) return;
        input.focus();
      }
    },
    true,
  );
  document.addEventListener("pointerup", (event) => {
    allowSound();
    const target = event.target instanceof Element ? event.target : null;
    if (!target?.closest("select, dialog")) setTimeout(focusInput);
  });
  byId("keyboard").addEventListener("click", () => {
    const typing = input.inputMode !== "text";
    input.inputMode = typing ? "text" : "none";
    input.placeholder = typing ? "Type a reference" : "Scan a code";
    mark(byId("keyboard"), "aria-pressed", String(typing));
    input.blur();
    input.focus();
  });
  offerCamera();
  input.focus();
}

/** A reference is shown in capitals while it is typed; any other text stands as it was typed. */
function dressInput() {
  mark(input, "data-reference", beginsReference(input.value) ? "" : null);
}

/** A dialog that a button just opened keeps its own focus. */
function focusInput() {
  if (!document.querySelector("dialog[open]")) input.focus();
}

function offerCamera() {
  if (!canUseCamera()) return;
  const video = /** @type {HTMLVideoElement} */ (byId("viewfinder"));
  const camera = new Camera(video, (code) => show(scanner.read(code, doorChoice.value, direction)));
  const button = byId("camera");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      if (camera.running) camera.stop();
      else await camera.start();
    } catch (error) {
      tellProblem(
        new Problem(0, {
          detail: "The browser did not give the camera. Allow it in the page's settings.",
          reason: "camera",
        }),
        "No camera",
      );
      console.info(error);
    }
    video.hidden = !camera.running;
    mark(byId("ready"), "data-camera", camera.running ? "" : null);
    mark(button, "aria-pressed", String(camera.running));
    input.focus();
  });
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
  signal(scan.verdict.verdict);
  if (scan.verdict.title === "Sign in") stranger("This tablet may not scan.");
  else if (scan.verdict.reason === "device_revoked") stranger("This tablet's pairing has ended.");
}

function drawScans() {
  const place = byId("scans");
  if (scanner.scans.length === 0)
    return fill(place, el("li", { class: "scan-row" }, "", el("span", {}, "None yet")));
  fill(
    place,
    scanner.scans.map((scan) => {
      const verdict = scan.verdict;
      const kind = scan.state === "sent" ? "busy" : (verdict?.verdict ?? "busy");
      const people = verdict?.people ? ` × ${verdict.people}` : "";
      const what =
        verdict?.name || (scan.body.reference ? typedText(scan.body.reference) : "Code");
      return el(
        "li",
        { class: "scan-row" },
        shape(kind),
        el("b", {}, scan.state === "sent" ? "Checking…" : `${verdict?.title ?? ""}${people}`),
        el("time", {}, secondsText(live.clock.now() - (Date.now() - scan.at) * live.clock.speed)),
        el(
          "span",
          {},
          [
            what,
            tablesText(verdict?.tables ?? []),
            scan.state === "doubt" ? "no answer yet, trying on" : "",
          ]
            .filter(Boolean)
            .join(" · "),
        ),
      );
    }),
  );
}

// -------------------------------------------------------------------------- door, link, device

function offerDirection() {
  for (const button of byId("direction").children) {
    button.addEventListener("click", () => {
      direction = /** @type {any} */ (button).dataset.direction;
      byId("direction").dataset.direction = direction;
      for (const other of byId("direction").children)
        mark(other, "aria-pressed", String(other === button));
      input.focus();
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
    input.focus();
  });
  drawScans();
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
    live.connection.link = "connecting";
    return stranger(token() ? "This tablet's pairing has ended." : "Your session has ended.");
  }
  const lost = live.link === "reconnecting" || live.link === "stale";
  if (lost && age > 4000)
    cannot(
      "Cannot verify",
      "The server is out of reach. Nobody is let in on a code until it is back; ask the desk.",
    );
  else if (live.link === "live" || live.link === "delayed") {
    byId("ready").removeAttribute("data-cannot");
    write(byId("ready-word"), direction === "in" ? "Ready" : "Ready: out");
    write(
      byId("ready-more"),
      live.servedNight === null && !live.state
        ? "No night is open."
        : live.link === "delayed"
          ? "Scanning works. Figures are delayed: this network cuts live connections."
          : "Scan a code, or type the reference of a booking",
    );
  }
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
  write(byId("ready-word"), word);
  write(byId("ready-more"), more);
}

/** Nobody we know: says so, and asks. @param {string} why */
function stranger(why) {
  cannot("Not signed in", why);
  return pair(why);
}
