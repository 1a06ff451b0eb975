// @ts-check
/** Who this tablet is: paired by a token, or signed in by a person. */

import { read, send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";

const TOKEN_KEY = "backroom.device";

/** The token of a paired tablet, kept on it alone. */
export function token() {
  return localStorage.getItem(TOKEN_KEY);
}

/** Staff by their session; a paired tablet by its token, which every call proves. */
export async function whoAmI() {
  if (token()) return { name: "Paired tablet", may: () => true };
  const session = await read("/v1/session");
  return {
    name: session.name,
    may: (/** @type {string} */ one) => session.permissions.includes(one),
  };
}

/** What this device is, and a way out of it. @param {{name: string}} who */
export function showDevice(who) {
  return showDialog("This device", (close) => [
    el(
      "div",
      { class: "form" },
      el("p", {}, who.name),
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

/** Signing in, or pasting the token that a manager got when adding this device. @param {string} why */
export async function pair(why) {
  if (document.querySelector("dialog[open]")) return;
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
          "Or paste this device's token",
          el("input", {
            class: "input",
            name: "token",
            required: true,
            minlength: "20",
            autocomplete: "off",
          }),
          "A manager gets it when adding the device.",
        ),
      ],
      async (data) => {
        localStorage.setItem(TOKEN_KEY, String(data.get("token")).trim());
        location.reload();
      },
      close,
      "",
    ),
  ]);
}
