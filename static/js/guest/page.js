// @ts-check
/**
 * One guest's entry code, by the link that the person who booked sent. The token comes behind the
 * `#`, which no browser sends to any server, and leaves the address bar at once.
 */

import { Problem, read, readPicture } from "../api.js";
import { stayAwake } from "../awake.js";
import { byId, el, fact, fill, write } from "../elements.js";
import { takeFromAddress } from "../signed-link.js";
import { offerTheme } from "../theme.js";
import { longNightText, timeText, useTimeZone } from "../venue-clock.js";
import { tablesSpoken } from "../words.js";

const KEY = "backroom.guest";
const ASK_MS = 15_000;

const token = takeFromAddress(KEY);
/** @type {any} */
let floor = null;
let key = "";
let codeShown = "";
let asking = false;
let timer = 0;

const awake = stayAwake(() => codeShown !== "");

offerTheme(byId("theme"));
addEventListener("hashchange", () => location.reload()); // another link, in the same tab
if (token === null) {
  over("No link", "Open this page by the link that the person who booked sent you.");
} else {
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  addEventListener("online", () => ask());
  ask();
}

async function ask() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    if (floor === null) floor = await read("/v1/floor", { token: null });
    useTimeZone(floor.time_zone);
    const pass = await read("/v1/pass", { token });
    draw(pass);
    await showCode(pass);
    note("");
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
      sessionStorage.removeItem(KEY);
      return over(
        "This code is over",
        "It was taken back, or a newer one was sent. Ask the person who booked.",
      );
    }
    note(
      codeShown === ""
        ? "The club cannot be reached just now. Trying again…"
        : "The club cannot be reached just now. The code still lets you in.",
    );
  } finally {
    asking = false;
  }
  if (!document.hidden) timer = window.setTimeout(ask, ASK_MS);
}

/** @param {any} pass */
function draw(pass) {
  const shown = JSON.stringify({ ...pass, code: null });
  if (shown === key) return;
  key = shown;
  if (pass.state === "over") {
    return over("This booking is over", "Ask the person who booked whether there is another.");
  }
  fill(
    byId("booking"),
    el("p", { class: "eyebrow" }, `Guest ${pass.number} of ${pass.party}`),
    el("h1", {}, pass.name ? el("bdi", {}, pass.name) : "Your entry code"),
    el("p", { class: "soft" }, longNightText(pass.night)),
  );
  const names = pass.tables.map(
    (/** @type {number} */ number) =>
      floor.tables.find((/** @type {any} */ table) => table.number === number)?.name,
  );
  byId("more").hidden = false;
  fill(
    byId("more"),
    el(
      "dl",
      { class: "card facts" },
      fact("Your table", `${tablesSpoken(pass.tables)}, ${names.join(" and ")}`),
      fact("From", timeText(pass.slot_from)),
      fact("Last entry", timeText(pass.last_entry_at)),
    ),
  );
}

/** Bright and as wide as the phone whatever the theme: a camera has to read it. @param {any} pass */
async function showCode(pass) {
  const place = byId("pass");
  const code = pass.code ?? "";
  place.hidden = code === "";
  const said = `${code}:${pass.state}`;
  if (code === "" || said === place.dataset.said) return;
  place.dataset.said = said;
  const picture = el("img", { class: "pass-code", alt: "Your entry code", width: 400, height: 400 });
  picture.src = await readPicture("/v1/pass/code.svg", token);
  fill(
    place,
    picture,
    el(
      "p",
      {},
      pass.state === "inside"
        ? "You are in. Keep this to leave and come back."
        : "Show this at the door. It lets in one person: you.",
    ),
  );
  codeShown = code;
  awake();
}

/** @param {string} title @param {string} text */
function over(title, text) {
  clearTimeout(timer);
  codeShown = "";
  for (const id of ["pass", "more"]) {
    byId(id).hidden = true;
    byId(id).replaceChildren();
  }
  note("");
  fill(byId("booking"), el("h1", {}, title), el("p", { class: "soft" }, text));
}

/** @param {string} text "" takes it away */
function note(text) {
  byId("note").hidden = text === "";
  write(byId("note"), text);
}
