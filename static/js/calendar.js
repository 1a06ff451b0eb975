// @ts-check
/**
 * The private address of a calendar: opened in the calendar of this device, copied for another
 * one, or replaced by a new one. Whoever has it reads the calendar, so it is asked for when wanted.
 */

import { askSure, showDialog } from "./dialog.js";
import { el, fill } from "./elements.js";
import { tell, tellProblem } from "./toasts.js";

/**
 * @param {string} title @param {string} words what is in it, and for whom
 * @param {(renew: boolean) => Promise<{address: string}>} ask
 */
export async function showCalendar(title, words, ask) {
  let given;
  try {
    given = await ask(false);
  } catch (error) {
    return tellProblem(error, "The calendar cannot be opened");
  }
  const place = el("div", { class: "calendar-address" });
  fill(place, addressOf(given.address));
  await showDialog(title, () => [
    el("p", { class: "soft" }, words),
    place,
    el(
      "p",
      { class: "small faint" },
      "The address is private: whoever has it can read this calendar. A new address ends the old one.",
    ),
    el(
      "button",
      { class: "button", type: "button", "data-act": "renew-calendar", onclick: () => renew() },
      "New address",
    ),
  ]);

  async function renew() {
    const text = "Calendars that follow the old address stop changing. Add the new one to yours.";
    if (!(await askSure("Replace the address?", text, "Replace it"))) return;
    try {
      fill(place, addressOf((await ask(true)).address));
      tell("New address", "The old one shows nothing any more.");
    } catch (error) {
      tellProblem(error, "Not replaced");
    }
  }
}

/** @param {string} path */
function addressOf(path) {
  const address = new URL(path, location.origin).href;
  const input = el("input", {
    class: "input",
    readonly: true,
    value: address,
    "aria-label": "Address of the calendar",
    onfocus: () => input.select(),
  });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      tell("Copied", "Add it in your calendar as one to follow, from a web address.");
    } catch {
      input.select(); // without a secure context the person copies it by hand
    }
  };
  return [
    input,
    el(
      "div",
      { class: "dialog-foot" },
      el("button", { class: "button", type: "button", onclick: copy }, "Copy"),
      el(
        "a",
        { class: "button button-main", href: address.replace(/^https?:/, "webcal:") },
        "Open in my calendar",
      ),
    ),
  ];
}
