// @ts-check
/** Who this tablet is: paired by a code that a manager shows, or signed in by a person. */

import { Problem, read, send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { owesSecondFactor } from "../entrance.js";
import { VERSION } from "./report.js";

/** @typedef {{name: string, door: string | null, device: boolean, may: (permission: string) => boolean}} Who */

const TOKEN_KEY = "backroom.device";
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
  const device = Boolean(session.device_id); // also while somebody acts on it by PIN
  return {
    name: session.name,
    door: device ? session.door : null,
    device,
    may: (one) => session.permissions.includes(one),
  };
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

/** What this device is, and a way out of it. @param {Who} who */
export function showDevice(who) {
  return showDialog("This device", (close) => [
    el(
      "div",
      { class: "form" },
      el("p", {}, who.name),
      who.device && el("p", { class: "soft" }, "Paired by a manager, for this door."),
      el(
        "div",
        { class: "dialog-foot" },
        el(
          "button",
          {
            class: "button",
            type: "button",
            onclick: () => {
              close();
              pair("Pair this tablet anew.");
            },
          },
          "Pair",
        ),
        el(
          "button",
          { class: "button button-danger", type: "button", onclick: leave },
          token() ? "Unpair" : "Sign out",
        ),
      ),
    ),
  ]);
}

async function leave() {
  if (token()) localStorage.removeItem(TOKEN_KEY);
  else await send("DELETE", "/v1/session").catch(() => null);
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
