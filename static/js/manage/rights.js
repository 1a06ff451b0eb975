// @ts-check
/** What a guest may ask of their data: a copy of it, to read or to take elsewhere, and its end. */

import { attempt, bodyOf, send } from "../api.js";
import { askSure } from "../dialog.js";
import { el } from "../elements.js";
import { tell, tellProblem } from "../toasts.js";

const SAVE_MS = 15_000;
/** @type {Object<string, string>} */
const KEPT = {
  financial_records: "what was paid stays in the books, without your name",
  ban: "that you are not welcome stays until it ends",
};

/** @param {string} token */
export function rightsCard(token) {
  return el(
    "section",
    { class: "card", "aria-labelledby": "rights-title" },
    el("h2", { class: "eyebrow", id: "rights-title" }, "Your data"),
    el(
      "p",
      { class: "soft small" },
      "The name, phone and e-mail that you gave, and what became of your booking.",
    ),
    el(
      "div",
      { class: "card-actions" },
      el(
        "button",
        {
          class: "button",
          type: "button",
          "data-act": "save",
          onclick: () => save(token, "html"),
        },
        "Save my data",
      ),
      el(
        "button",
        {
          class: "button button-plain",
          type: "button",
          "data-act": "save-json",
          onclick: () => save(token, "json"),
        },
        "…as JSON",
      ),
      el(
        "button",
        {
          class: "button button-danger",
          type: "button",
          "data-act": "erase",
          onclick: () => erase(token),
        },
        "Erase my data",
      ),
    ),
  );
}

/** A file of everything that is kept. @param {string} token @param {"html" | "json"} format */
async function save(token, format) {
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await attempt(`/v1/me/export?format=${format}`, { headers }, SAVE_MS);
    if (!answer.ok) await bodyOf(answer);
    const address = URL.createObjectURL(await answer.blob());
    el("a", { href: address, download: `backroom-my-data.${format}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000); // the browser reads it when it likes
  } catch (error) {
    tellProblem(error, "Your data was not saved");
  }
}

/** @param {string} token */
async function erase(token) {
  const text =
    "Your name, phone and e-mail are destroyed, and nobody can bring them back. A booking to come " +
    "stays booked, without a name: keep the entry code. To give the table back, cancel first.";
  if (!(await askSure("Erase your data?", text, "Erase my data"))) return;
  try {
    const answer = await send("POST", "/v1/me/erase", {}, { token });
    const kept = answer.retained.map((/** @type {string} */ one) => KEPT[one] ?? one).join("; ");
    tell("Erased", kept ? `Your data is destroyed; ${kept}.` : "Your data is destroyed.");
  } catch (error) {
    tellProblem(error, "Your data was not erased");
  }
}
