// @ts-check
/** Who this tablet is: paired by a code that a manager shows, or signed in by a person. */

import { Problem, read, send, Unreachable } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { owesSecondFactor } from "../entrance.js";
import { tellProblem } from "../toasts.js";
import { giveBack, takeTablet } from "./holder.js";
import { wipe } from "./keeping.js";
import { VERSION } from "./report.js";

/**
 * `holder` is who holds a paired tablet by PIN; `actors` is how books and verdicts call both.
 * @typedef {{
 *   name: string, door: string | null, device: boolean, holder: string | null,
 *   actors: string[], may: (permission: string) => boolean,
 * }} Who
 */

const TOKEN_KEY = "backroom.device";
const KNOWN_KEY = "backroom.door.known";
/**
 * The code that the page was opened with, until it paired the tablet; with one key for all its
 * tries, so that a lost reply is given again.
 * @type {{code: string, key: string} | null}
 */
let waiting = null;

/** The token of a paired tablet, kept on it alone. */
export function token() {
  return localStorage.getItem(TOKEN_KEY);
}

/** Staff by their session; a paired tablet by its token, at its door alone. @returns {Promise<Who>} */
export async function whoAmI() {
  const session = await read("/v1/session");
  if (owesSecondFactor(session)) location.replace("/sign-in?next=/door");
  return whoOf(session);
}

/** @param {Object<string, any>} session @returns {Who} */
function whoOf(session) {
  const device = Boolean(session.device_id); // also while somebody acts on it by PIN
  return {
    name: session.name,
    door: device ? session.door : null,
    device,
    holder: device && session.staff_id ? session.name : null,
    actors: [`device:${session.device_id}`, `staff:${session.staff_id}`],
    may: (one) => session.permissions.includes(one),
  };
}

/**
 * Who acts and the venue's places, from the service; where that is out of reach, as this tablet
 * knew them last: the page opens without a network too. Raises Unreachable: it never knew.
 * @returns {Promise<{who: Who, floor: Object<string, any>, fresh: boolean}>}
 */
export async function whoAndWhere() {
  try {
    const [session, whole] = await Promise.all([read("/v1/session"), read("/v1/floor")]);
    if (owesSecondFactor(session)) location.replace("/sign-in?next=/door");
    const { doors, time_zone, grace_minutes } = whole;
    const places = whole.tables.map((/** @type {any} */ { number, floor }) => ({ number, floor }));
    const floor = { doors, time_zone, grace_minutes, tables: places };
    localStorage.setItem(KNOWN_KEY, JSON.stringify({ session, floor }));
    return { who: whoOf(session), floor, fresh: true };
  } catch (error) {
    const known = localStorage.getItem(KNOWN_KEY);
    if (!(error instanceof Unreachable) || !known) throw error;
    const { session, floor } = JSON.parse(known);
    return { who: whoOf(session), floor, fresh: false };
  }
}

/** What was known of this tablet's rights is over. */
export function forgetWho() {
  localStorage.removeItem(KNOWN_KEY);
}

/**
 * Pairs the tablet by the code behind the `#` of the page's address, where there is one. The code
 * leaves the address bar and the history before anything else happens; while the server is out of
 * reach it is tried again. Whether it paired. Raises Problem: the code does not pair anything.
 */
export async function pairByAddress() {
  const code = new URLSearchParams(location.hash.slice(1)).get("pair");
  if (code) {
    waiting = { code, key: crypto.randomUUID() };
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (!waiting) return false;
  await pairBy(waiting.code, waiting.key);
  return true;
}

/** The tablet has its token from now on. @param {string} code @param {string} key */
async function pairBy(code, key) {
  try {
    const body = { code, version: VERSION };
    const paired = await send("POST", "/v1/devices/pair", body, { token: null, key });
    localStorage.setItem(TOKEN_KEY, paired.token);
    waiting = null;
  } catch (error) {
    if (error instanceof Problem && error.status < 500) waiting = null;
    throw error;
  }
}

/**
 * What this device is, who holds it, and a way out of it. `mayLeave` makes sure that nothing is lost
 * by it and `clear` wipes what the tablet kept.
 * @param {Who} who @param {{mayLeave: () => Promise<boolean>, clear: () => Promise<void>}} lease
 */
export async function showDevice(who, lease) {
  // A PIN that lay idle is over, and only the service knows it.
  Object.assign(who, await whoAmI().catch(() => who));
  return showDialog("This device", (close) => [
    el(
      "div",
      { class: "form" },
      el("p", {}, who.name),
      who.device &&
        el(
          "p",
          { class: "soft" },
          who.holder
            ? "Holds this tablet by PIN: what is done here is theirs."
            : "Paired by a manager, for this door.",
        ),
      who.device && holding(who, close),
      el(
        "div",
        { class: "dialog-foot" },
        el(
          "button",
          {
            class: "button",
            type: "button",
            onclick: async () => {
              close();
              if (await lease.mayLeave()) pair("Pair this tablet anew.");
            },
          },
          "Pair",
        ),
        el(
          "button",
          {
              class: "button button-danger",
              type: "button",
              onclick: () => {
                close();
                leave(lease);
              },
            },
          token() ? "Unpair" : "Sign out",
        ),
      ),
    ),
  ]);
}

/** Taking the tablet by PIN, and giving it back. @param {Who} who @param {() => void} close */
function holding(who, close) {
  /** @param {() => Promise<unknown>} act */
  const after = (act) => async () => {
    try {
      await act();
      Object.assign(who, await whoAmI());
    } catch (error) {
      tellProblem(error, "Not done");
    }
  };
  const take = () => {
    close(); // another dialog asks for the name and the PIN
    return after(takeTablet)();
  };
  // Until it is given back the dialog stays: opened again too soon it would name the last holder.
  const give = () => after(giveBack)().then(close);
  return el(
    "div",
    { class: "form-row" },
    el("button", { class: "button", type: "button", onclick: take }, "Take by PIN"),
    who.holder &&
      el("button", { class: "button", type: "button", onclick: give }, "Give back"),
  );
}

/** @param {{mayLeave: () => Promise<boolean>, clear: () => Promise<void>}} lease */
async function leave(lease) {
  const paired = Boolean(token());
  if (paired && !(await lease.mayLeave())) return;
  forgetWho();
  await wipe().catch(() => null);
  if (paired) {
    localStorage.removeItem(TOKEN_KEY);
    await lease.clear().catch((error) => console.warn("Not everything was wiped", error));
  } else await send("DELETE", "/v1/session").catch(() => null);
  location.assign("/sign-in?next=/door");
}

/** Signing in, or typing the code that a manager sees when adding this device. @param {string} why */
export async function pair(why) {
  if (document.querySelector("dialog[open]")) return;
  const key = crypto.randomUUID();
  await showDialog("Who is at the door?", (close) => [
    el(
      "div",
      { class: "form" },
      el("p", { class: "soft" }, why),
      el("a", { class: "button button-main button-wide", href: "/sign-in?next=/door" }, "Sign in"),
    ),
    el("hr", { class: "rule" }),
    actForm(
      "Pair",
      [
        field(
          "Or type the pairing code",
          el("input", {
            class: "input",
            name: "code",
            required: true,
            minlength: "16",
            maxlength: "40",
            autocomplete: "off",
            autocapitalize: "characters",
            spellcheck: "false",
          }),
          "A manager sees it when adding the device, and a picture that opens this page with it.",
        ),
      ],
      async (data) => {
        await pairBy(String(data.get("code")), key);
        location.reload();
      },
      close,
      "",
    ),
  ]);
}
