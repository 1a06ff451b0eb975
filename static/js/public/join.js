// @ts-check
/** The way onto the waitlist: what stands where nothing is free, and the question whose place it is. */

import { send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { longNightText } from "../venue-clock.js";
import { partyText } from "../words.js";
import { nothing } from "./offers.js";

/** @typedef {{night: string, party: number, from?: string, until?: string}} Wish */

/** In the place of the offers, for who waits already. @param {() => void} onShow */
export function waitsAlready(onShow) {
  return nothing(
    "You are on the waitlist",
    "What comes free on this night, and fits your party, is held for you and offered to you.",
    button("button", "See your place", onShow),
  );
}

/** In the place of the offers: what can be done where there is none. @param {any} problem @param {() => void} onJoin */
export function waitInstead(problem, onJoin) {
  const { contact } = problem;
  return el(
    "div",
    { class: "waiting-ways" },
    button(
      "button button-main",
      problem.reason === "party_too_large" ? "Ask the club" : "Join the waitlist",
      onJoin,
    ),
    contact &&
      el(
        "p",
        { class: "small soft" },
        "Or call ",
        el("a", { href: `tel:${contact.phone.replace(/ /g, "")}` }, contact.phone),
        ", or write to ",
        el("a", { href: `mailto:${contact.email}` }, contact.email),
        ".",
      ),
  );
}

/**
 * Asks whose the place is, and joins.
 * @param {Wish} wish @param {boolean} beyond more than any set of tables takes
 * @param {(entry: any) => void} onJoined
 */
export function askJoin(wish, beyond, onJoined) {
  /** @param {Object<string, string>} more */
  const input = (more) => el("input", { class: "input", ...more });
  const then = beyond
    ? "No table takes so many by itself: the club arranges it and calls you."
    : "When a table comes free it is held for you, and you decide.";
  return showDialog(beyond ? "Ask the club" : "Join the waitlist", (close) => [
    el(
      "p",
      { class: "soft" },
      `${longNightText(wish.night)}, ${partyText(wish.party)}. ${then} Nothing is charged.`,
    ),
    actForm(
      beyond ? "Ask" : "Join",
      [
        field(
          "Name",
          input({ name: "name", autocomplete: "name", required: "", maxlength: "120" }),
        ),
        field(
          "Phone",
          input({
            name: "phone",
            type: "tel",
            autocomplete: "tel",
            required: "",
            maxlength: "30",
            pattern: "\\+?[0-9 \\(\\)\\-]{5,30}",
          }),
          beyond ? "So that the club reaches you." : "So that the offer reaches you.",
        ),
        el(
          "label",
          { class: "waiting-occasion" },
          el("input", { type: "checkbox", name: "occasion" }),
          el("span", {}, "It is a special occasion"),
        ),
      ],
      async (data) => {
        const contact = {
          name: String(data.get("name")).trim(),
          phone: String(data.get("phone")).trim(),
        };
        const occasion = data.get("occasion") !== null;
        onJoined(
          await send("POST", "/v1/waitlist", { ...wish, contact, special_occasion: occasion }),
        );
      },
      close,
    ),
  ]);
}

/** @param {string} look @param {string} text @param {() => void} onclick */
export function button(look, text, onclick) {
  return el("button", { class: look, type: "button", "data-focus": text, onclick }, text);
}
