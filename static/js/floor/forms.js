// @ts-check
/** The dialogs of the floor: hold, walk-in, confirm at the desk, block, and "are you sure". */

import { el } from "../elements.js";
import { actForm, choice, field, group, showDialog, stepper } from "../dialog.js";
import { instantOf } from "../venue-clock.js";
import { BLOCK_REASON, pence, pounds, tablesText } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

const PARTY_MAX = 40;

/**
 * What is known of a party while its form is open, kept when its tables are chosen anew.
 * @typedef {{tables: number[], party: number, name: string, phone: string}} Draft
 */

/**
 * Holds tables for a party, or seats one that came without a booking.
 * @param {Page} page @param {"hold" | "walk-in"} kind @param {number[]} tables
 */
export async function askParty(page, kind, tables) {
  const seats = factsOf(page, tables[0])?.capacity;
  /** @type {Draft} */
  const draft = { tables, party: seats?.optimal ?? 2, name: "", phone: "" };
  while ((await askDraft(page, kind, draft)) === "tables") {
    const wish = { title: `Tables for a party of ${draft.party}`, verb: "Use these" };
    const chosen = await page.chooser.choose(
      { ...wish, party: draft.party, from: [], slot: null, booking: null },
      draft.tables,
    );
    if (!chosen) return;
    draft.tables = chosen;
  }
  page.select(draft.tables[0]);
}

/**
 * The form itself. "tables": other tables are wanted first.
 * @param {Page} page @param {"hold" | "walk-in"} kind @param {Draft} draft
 * @returns {Promise<"done" | "tables">}
 */
async function askDraft(page, kind, draft) {
  const walkIn = kind === "walk-in";
  const where = tablesText(draft.tables);
  /** @type {"done" | "tables"} */
  let outcome = "done";
  await showDialog(walkIn ? `Seat a walk-in at ${where}` : `Hold ${where}`, (close) => {
    const others = () => {
      outcome = "tables";
      close();
    };
    const fields = [
      el(
        "div",
        { class: "form-row" },
        group(
          "Party",
          stepper("party", draft.party, 1, PARTY_MAX, (to) => (draft.party = to)),
        ),
        group(
          "Tables",
          el("button", { class: "button", type: "button", onclick: others }, `${where} · change`),
        ),
      ),
      field(walkIn ? "Name (optional)" : "Name", words(draft, "name", { required: !walkIn })),
      !walkIn && field("Phone (optional)", words(draft, "phone", { type: "tel", maxlength: "30" })),
      ...(walkIn ? doorFields(page, draft.tables[0]) : []),
    ];
    const act = (/** @type {FormData} */ data) => sendParty(page, walkIn, draft, data);
    return [actForm(walkIn ? "Seat them" : "Hold", fields, act, close)];
  });
  return outcome;
}

/** A text of the draft. @param {Draft} draft @param {"name" | "phone"} name @param {any} [more] */
function words(draft, name, more = {}) {
  const input = el("input", {
    class: "input",
    name,
    maxlength: "120",
    autocomplete: "off",
    ...more,
  });
  input.value = draft[name];
  input.addEventListener("input", () => (draft[name] = input.value.trim()));
  return input;
}

/** Where a walk-in came from, so that the house's count is right. @param {Page} page @param {number} table */
function doorFields(page, table) {
  const { floor } = factsOf(page, table) ?? {};
  return [
    field(
      "Came in by",
      el(
        "select",
        { class: "input", name: "door" },
        streetDoors(page).map((door) =>
          el("option", { value: door.id, selected: door.floor === floor }, door.name),
        ),
      ),
    ),
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", name: "counted" }),
      "The clicker counted them already",
    ),
  ];
}

/** @param {Page} page @param {boolean} walkIn @param {Draft} draft @param {FormData} data */
function sendParty(page, walkIn, draft, data) {
  const { tables, party, name, phone } = draft;
  const where = tablesText(tables);
  /** @type {Object<string, any>} */
  const body = { night: page.commands.night, tables, party };
  if (name) body.contact = { name, ...(phone ? { phone } : {}) };
  if (!walkIn) {
    return page.commands.run(`Hold ${where}`, tables, "POST", "/v1/holds", body, { silent: true });
  }
  Object.assign(body, { door: String(data.get("door")), counted: data.has("counted") });
  return page.commands.run(`Seat ${where}`, tables, "POST", "/v1/walk-ins", body, { silent: true });
}

/** Doors that lead in from outside. @param {Page} page @returns {any[]} */
export function streetDoors(page) {
  return page.floor.doors.filter((/** @type {any} */ door) => !door.leaves);
}

/** @param {Page} page @param {number} number */
function factsOf(page, number) {
  return page.floor.tables.find((/** @type {any} */ table) => table.number === number);
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
        field("Why", choice("reason", Object.entries(BLOCK_REASON))),
        el(
          "div",
          { class: "form-row" },
          field("From", el("input", { class: "input", type: "time", name: "from" }), "Empty: now"),
          field(
            "Until",
            el("input", { class: "input", type: "time", name: "until" }),
            "Empty: the end of the night",
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
