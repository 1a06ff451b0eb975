// @ts-check
/** What may be held: a card for each set of tables, and the form that holds one. */

import { send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { floorText } from "../floors.js";
import { longNightText } from "../venue-clock.js";
import { partyText, pounds, tablesSpoken } from "../words.js";
import { keepHold } from "./held.js";

/**
 * @typedef {{tables: number[], strategy: string, reasons: {reason: string, text: string}[],
 *   deposit_pence: number, minimum_spend_pence: number}} Offer
 */

/**
 * In the place of the offers, when there is none.
 * @param {string} title @param {string} text @param {Node | false | undefined} [way] what can be done
 */
export function nothing(title, text, way) {
  return el("li", { class: "nothing" }, el("strong", {}, title), el("p", {}, text), way);
}

/**
 * @param {Offer} offer
 * @param {{floor: any, best: boolean, shown: boolean, onHold: (offer: Offer) => void}} how
 */
export function offerCard(offer, { floor, best, shown, onHold }) {
  const facts = offer.tables.map((number) => factsOf(floor, number));
  const [first] = facts;
  const room = floor.floors.find((/** @type {any} */ one) => one.name === first?.floor);
  const features = [...new Set(facts.flatMap((one) => one?.features ?? []))].join(", ");
  return el(
    "li",
    {
      class: "offer",
      "data-best": best ? "" : null,
      "data-shown": shown ? "" : null,
      "data-tables": offer.tables.join(" "),
    },
    best && el("span", { class: "best" }, "Best fit"),
    el(
      "span",
      {
        class: "offer-number",
        "data-pair": offer.tables.length > 1 ? "" : null,
        "aria-hidden": "true",
      },
      offer.tables.join("+"),
    ),
    el("h3", {}, facts.map((one) => one?.name).join(" and ")),
    el(
      "p",
      { class: "offer-facts" },
      [tablesSpoken(offer.tables), room && floorText(room), features].filter(Boolean).join(" · "),
    ),
    el(
      "div",
      { class: "reasons" },
      offer.reasons
        .filter((one) => !/_combination$/.test(one.reason))
        .map((one) =>
          el(
            "span",
            {
              class: "reason",
              "data-good":
                /exact|best|as_asked|combined/.test(one.reason) && !/not_as/.test(one.reason)
                  ? ""
                  : null,
            },
            one.text,
          ),
        ),
    ),
    el(
      "div",
      { class: "offer-foot" },
      el(
        "p",
        { class: "offer-money" },
        el("b", {}, pounds(offer.deposit_pence)),
        " deposit",
        el("br"),
        `${pounds(offer.minimum_spend_pence)} minimum spend`,
      ),
      el(
        "button",
        {
          class: `button ${best ? "button-main" : ""}`,
          type: "button",
          "aria-label": `Hold ${tablesSpoken(offer.tables)}`,
          "data-focus": offer.tables.join(" "),
          onclick: () => onHold(offer),
        },
        "Hold",
      ),
    ),
  );
}

/** @param {any} floor @param {number} number */
export function factsOf(floor, number) {
  return floor.tables.find((/** @type {any} */ table) => table.number === number);
}

/**
 * Asks who it is for and holds the tables. `onAnswer` is called whether it worked or not.
 * @param {Offer} offer
 * @param {{night: string, party: number, holdMinutes: number, onAnswer: () => void}} wish
 */
export async function askHold(offer, wish) {
  let held = false;
  await showDialog(`Hold ${tablesSpoken(offer.tables)}`, (close) => [
    el(
      "p",
      { class: "soft" },
      `${longNightText(wish.night)}, ${partyText(wish.party)}. We keep it for ${wish.holdMinutes} minutes while you pay the deposit of ${pounds(offer.deposit_pence)}.`,
    ),
    actForm(
      "Hold it",
      [
        field(
          "Name",
          el("input", {
            class: "input",
            name: "name",
            autocomplete: "name",
            required: true,
            maxlength: "120",
          }),
        ),
        field(
          "Phone",
          el("input", {
            class: "input",
            name: "phone",
            type: "tel",
            autocomplete: "tel",
            required: true,
            maxlength: "30",
            pattern: "\\+?[0-9 \\(\\)\\-]{5,30}",
          }),
          "Only for this booking.",
        ),
      ],
      async (data) => {
        try {
          const booking = await send("POST", "/v1/holds", {
            night: wish.night,
            tables: offer.tables,
            party: wish.party,
            contact: {
              name: String(data.get("name")).trim(),
              phone: String(data.get("phone")).trim(),
            },
          });
          keepHold(booking);
          held = true;
        } finally {
          wish.onAnswer(); // whoever was faster, the list should say so
        }
      },
      close,
    ),
  ]);
  // Only now: a dialog that closes gives the focus back to the button that opened it.
  if (held) document.dispatchEvent(new CustomEvent("held"));
}
