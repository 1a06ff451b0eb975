// @ts-check
/** The dialogs of the floor: hold, walk-in, confirm at the desk, block, and "are you sure". */

import { el } from "../elements.js";
import { actForm, field, showDialog, stepper } from "../dialog.js";
import { instantOf, timeText } from "../venue-clock.js";
import { BLOCK_REASON, pence, pounds, tablesText } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

/**
 * Holds tables for a party, or seats one that came without a booking.
 * @param {Page} page @param {"hold" | "walk-in"} kind @param {number[]} tables
 */
export async function askParty(page, kind, tables) {
  const walkIn = kind === "walk-in";
  const { capacity } = /** @type {any} */ (page.live.state).document.tables[String(tables[0])];
  const facts = page.floor.tables.find((/** @type {any} */ table) => table.number === tables[0]);
  let party = capacity?.optimal ?? facts?.capacity.optimal ?? 2;
  let chosen = tables;
  let more = false;
  const doors = page.floor.doors.filter((/** @type {any} */ door) => !door.leaves);
  const title = walkIn ? `Seat a walk-in at ${tablesText(chosen)}` : `Hold ${tablesText(chosen)}`;
  await showDialog(title, (close) => [
    actForm(
      walkIn ? "Seat them" : "Hold",
      [
        el(
          "div",
          { class: "form-row" },
          el(
            "div",
            { class: "field" },
            el("span", {}, "Party"),
            stepper("party", party, 1, 40, (value) => (party = value)),
          ),
          el(
            "div",
            { class: "field" },
            el("span", {}, "Tables"),
            el(
              "button",
              {
                class: "button",
                type: "button",
                onclick: () => {
                  more = true;
                  close();
                },
              },
              tablesText(chosen),
              " · change",
            ),
          ),
        ),
        field(
          walkIn ? "Name (optional)" : "Name",
          el("input", {
            class: "input",
            name: "name",
            maxlength: "120",
            autocomplete: "off",
            required: !walkIn,
          }),
        ),
        !walkIn &&
          field(
            "Phone (optional)",
            el("input", {
              class: "input",
              name: "phone",
              type: "tel",
              maxlength: "30",
              autocomplete: "off",
            }),
          ),
        walkIn &&
          doors.length > 1 &&
          field(
            "Came in by",
            el(
              "select",
              { class: "input", name: "door" },
              doors.map((/** @type {any} */ door) =>
                el("option", { value: door.id, selected: door.floor === facts?.floor }, door.name),
              ),
            ),
          ),
        walkIn &&
          el(
            "label",
            { class: "check" },
            el("input", { type: "checkbox", name: "counted" }),
            "The clicker counted them already",
          ),
      ],
      async (data) => {
        const contact = contactOf(data);
        const body = {
          night: page.commands.night,
          tables: chosen,
          party: Number(data.get("party")),
          ...(contact ? { contact } : {}),
        };
        const label = walkIn ? `Seat ${tablesText(chosen)}` : `Hold ${tablesText(chosen)}`;
        await page.commands.run(
          label,
          chosen,
          "POST",
          walkIn ? "/v1/walk-ins" : "/v1/holds",
          walkIn
            ? {
                ...body,
                door: String(data.get("door") ?? doors[0].id),
                counted: data.has("counted"),
              }
            : body,
          { silent: true },
        );
      },
      close,
    ),
  ]);
  if (!more) return;
  const again = await page.chooser.choose(
    {
      title: walkIn
        ? `Tables for a walk-in, party of ${party}`
        : `Tables to hold for a party of ${party}`,
      verb: "Use these",
      party,
      from: [],
      slot: null,
      booking: null,
    },
    chosen,
  );
  if (again) await askParty(page, kind, again);
}

/** The deposit was paid at the desk. @param {Page} page @param {string} id @param {any} booking */
export function askConfirm(page, id, booking) {
  const due = Math.max(0, booking.deposit_pence - booking.paid_pence);
  return showDialog(`Confirm ${tablesText(booking.tables)}`, (close) => [
    actForm(
      "Confirm",
      [
        el(
          "p",
          { class: "soft" },
          `The deposit is ${pounds(booking.deposit_pence)}. Take it, then confirm; the hold no longer expires.`,
        ),
        el(
          "div",
          { class: "form-row" },
          field(
            "Amount",
            el("input", {
              class: "input",
              name: "amount",
              inputmode: "decimal",
              value: pounds(due).slice(1),
              required: true,
            }),
          ),
          field(
            "Paid by",
            el(
              "select",
              { class: "input", name: "method" },
              el("option", { value: "card" }, "Card"),
              el("option", { value: "cash" }, "Cash"),
            ),
          ),
        ),
      ],
      async (data) => {
        const amount = pence(String(data.get("amount")));
        if (amount === null)
          throw new Error("The amount is not a sum of money. Write it like 150 or 19.99.");
        await page.commands.run(
          `Confirm ${tablesText(booking.tables)}`,
          booking.tables,
          "POST",
          `/v1/holds/${id}/confirm`,
          { method: String(data.get("method")), amount_pence: amount },
          { silent: true },
        );
      },
      close,
    ),
  ]);
}

/** Takes a table out of service. @param {Page} page @param {number} number */
export function askBlock(page, number) {
  const { night, tables } = /** @type {any} */ (page.live.state).document;
  const booked = tables[String(number)].claims.length > 0;
  return showDialog(`Block table ${number}`, (close) => [
    actForm(
      "Block",
      [
        field(
          "Why",
          el(
            "select",
            { class: "input", name: "reason" },
            Object.entries(BLOCK_REASON).map(([value, word]) => el("option", { value }, word)),
          ),
        ),
        el(
          "div",
          { class: "form-row" },
          field("From", el("input", { class: "input", type: "time", name: "from" }), "Empty: now"),
          field(
            "Until",
            el("input", { class: "input", type: "time", name: "until" }),
            `Empty: the close, ${timeText(night.closes_at)}`,
          ),
        ),
        booked &&
          el(
            "label",
            { class: "check" },
            el("input", { type: "checkbox", name: "even" }),
            "Even though it is booked",
          ),
      ],
      async (data) => {
        /** @type {Object<string, any>} */
        const body = { night: page.commands.night, reason: String(data.get("reason")) };
        if (data.get("from")) body.from = instantOf(String(data.get("from")), night.doors_at);
        if (data.get("until")) body.until = instantOf(String(data.get("until")), night.doors_at);
        if (data.has("even")) body.even_if_booked = true;
        await page.commands.run(
          `Block T${number}`,
          [number],
          "POST",
          `/v1/tables/${number}/block`,
          body,
          { silent: true },
        );
      },
      close,
      "button-danger",
    ),
  ]);
}

/** @param {FormData} data */
function contactOf(data) {
  const name = String(data.get("name") ?? "").trim();
  const phone = String(data.get("phone") ?? "").trim();
  return name ? { name, ...(phone ? { phone } : {}) } : null;
}
