// @ts-check
/** The forms that change a booking: its size, its time, what is noted, and two parties at once. */

import { read } from "../api.js";
import { actForm, choice, field, group, showDialog, stepper } from "../dialog.js";
import { el, fill } from "../elements.js";
import { instantOf, longNightText, timeText } from "../venue-clock.js";
import { askReissue, showGuests } from "./codes.js";
import { capital, partyText, pounds, tablesText } from "../words.js";
import { showSeries } from "./series.js";
import { OCCASION } from "./wishes.js";

/** @typedef {import("./page.js").Page} Page */

const PARTY_MAX = 60;
const WISH_MAX = "500";

/** What may be changed of the booking, as one list. @param {Page} page @param {string} id @param {any} booking */
export async function askChange(page, id, booking) {
  const held = booking.status === "pending";
  const known = page.guests.row(id) ?? (await page.commands.look(`/v1/bookings/${id}`));
  const series = known?.series_id;
  /** @type {[string, string, string, () => unknown, boolean][]} */
  const ways = [
    ["size", "Party and wishes", "booking:change", () => askDetails(page, id, booking), true],
    ["when", "Another time or night", "booking:reschedule", () => askTime(page, id, booking), !held],
    ["swap", "Swap with another party", "booking:move", () => askOther(page, id, booking, "swap"), !held],
    ["code", "Issue the code again", "booking:reissue", () => askReissue(page, id, booking, whoOf(page, id, booking)), !held],
    ["guests", "Guests' own codes", "booking:guests", () => showGuests(id, whoOf(page, id, booking)), !held],
    ["split", "Split the party", "booking:split", () => askSplit(page, id, booking), !held],
    ["merge", "Join another party to it", "booking:split", () => askOther(page, id, booking, "merge"), !held],
    ["series", "All dates of the series", "booking:series", () => showSeries(page, series, whoOf(page, id, booking)), Boolean(series)],
    ["history", "What happened so far", "book:read", () => showHistory(page, id, booking), true],
  ];
  return showDialog(`Change ${whoOf(page, id, booking)}`, (close) => [
    el(
      "div",
      { class: "change-ways" },
      ways
        .filter(([, , permission, , now]) => now && page.may(permission))
        .map(([name, label, , open]) =>
          el(
            "button",
            {
              class: "button",
              type: "button",
              "data-act": `change-${name}`,
              onclick: () => {
                close();
                open();
              },
            },
            label,
          ),
        ),
    ),
  ]);
}

/** @param {Page} page @param {string} id @param {any} booking */
async function askDetails(page, id, booking) {
  const known = await page.commands.look(`/v1/bookings/${id}`);
  if (!known) return;
  let party = booking.party;
  const text = (/** @type {string} */ name) => {
    const input = el("input", { class: "input", name, maxlength: WISH_MAX, autocomplete: "off" });
    input.value = known[name] ?? "";
    return input;
  };
  await showDialog(`${whoOf(page, id, booking)}: party and wishes`, (close) => [
    actForm(
      "Save",
      [
        group("Party", stepper("party", party, Math.max(1, booking.admitted), PARTY_MAX, (to) => (party = to))),
        field("Requests of the guest", text("requests")),
        field("Occasion", choice("occasion", Object.entries(OCCASION), known.occasion ?? "none")),
        field("Notes of the staff", text("notes")),
      ],
      async (data) => {
        /** @type {Object<string, any>} */
        const body = { edition: known.edition ?? 0 };
        if (party !== booking.party) body.party = party;
        for (const name of ["requests", "occasion", "notes"]) {
          const said = String(data.get(name) ?? "").trim();
          if (said !== (known[name] ?? (name === "occasion" ? "none" : ""))) body[name] = said;
        }
        await page.commands.run(
          `Change ${tablesText(booking.tables)}`, booking.tables, "PATCH", `/v1/bookings/${id}`, body,
          { silent: true },
        );
      },
      close,
    ),
  ]);
}

/** Another slot, or another night with the sets that are free there. @param {Page} page @param {string} id @param {any} booking */
async function askTime(page, id, booking) {
  const answer = await page.commands.look("/v1/nights");
  if (!answer) return;
  const here = page.commands.night;
  const inside = booking.admitted > 0;
  const sets = el("fieldset", { class: "change-sets" });
  await showDialog(`${whoOf(page, id, booking)}: another time`, (close) => {
    const night = el(
      "select",
      { class: "input", name: "night" },
      answer.nights
        .filter((/** @type {any} */ one) => one.night === here || !inside)
        .map((/** @type {any} */ one) =>
          el("option", { value: one.night, selected: one.night === here }, longNightText(one.night)),
        ),
    );
    const from = el("input", { class: "input", type: "time", name: "from", "data-was": timeText(booking.slot_from) });
    const until = el("input", { class: "input", type: "time", name: "until", "data-was": timeText(booking.slot_until) });
    const offer = async () => {
      const there = night.value !== here;
      for (const input of [from, until]) input.value = there ? "" : input.dataset.was ?? "";
      if (!there) return fill(sets, el("legend", { class: "small soft" }, `At ${tablesText(booking.tables)}`));
      fill(sets, el("legend", { class: "small soft" }, "Looking…"));
      try {
        const free = await read(`/v1/nights/${night.value}/availability?party=${booking.party}`);
        fill(sets, el("legend", {}, free.sets.length ? "Tables there" : "Nothing is free there for this party"),
          free.sets.slice(0, 6).map((/** @type {any} */ set, /** @type {number} */ index) =>
            el("label", { class: "check" },
              el("input", { type: "radio", name: "tables", value: set.tables.join(","), checked: index === 0 }),
              `${tablesText(set.tables)} · ${pounds(set.deposit_pence)} deposit`)));
      } catch (problem) {
        fill(sets, el("legend", { class: "form-error" }, problem instanceof Error ? problem.message : ""));
      }
    };
    night.addEventListener("change", offer);
    offer();
    return [
      actForm(
        "Reschedule",
        [
          field("Night", night),
          el("div", { class: "form-row" }, field("From", from, "Empty: the doors"), field("Until", until, "Empty: the close")),
          sets,
          booking.paid_pence > 0 &&
            el("p", { class: "small soft" }, `${pounds(booking.paid_pence)} was paid and goes along. On another night the entry code is a new one.`),
        ],
        async (data) => {
          const to = answer.nights.find((/** @type {any} */ one) => one.night === night.value);
          /** @type {Object<string, any>} */
          const body = { edition: booking.edition ?? 0 };
          if (night.value !== here) body.night = night.value;
          if (data.get("tables")) body.tables = String(data.get("tables")).split(",").map(Number);
          for (const name of ["from", "until"]) {
            const said = String(data.get(name) ?? "");
            const was = timeText(name === "from" ? booking.slot_from : booking.slot_until);
            if (said && (night.value !== here || said !== was)) body[name] = instantOf(said, to.doors_at);
          }
          await page.commands.run(
            `Reschedule ${tablesText(booking.tables)}`, booking.tables, "POST",
            `/v1/bookings/${id}/reschedule`, body, { silent: true, here: night.value === here },
          );
        },
        close,
      ),
    ];
  });
}

/** The other party of a swap or a join. @param {Page} page @param {string} id @param {any} booking @param {"swap" | "merge"} verb */
function askOther(page, id, booking, verb) {
  const { bookings } = /** @type {any} */ (page.live.state).document;
  const others = Object.entries(bookings).filter(
    ([other, it]) => other !== id && ["confirmed", "seated"].includes(it.status),
  );
  const swap = verb === "swap";
  const title = swap ? "Swap with whom?" : "Who joins them?";
  return showDialog(title, (close) => [
    others.length === 0
      ? el("p", { class: "soft" }, "There is no other party tonight.")
      : actForm(
          swap ? "Swap" : "Join",
          [
            el("p", { class: "soft" }, `${whoOf(page, id, booking)}, ${partyText(booking.party)} at ${tablesText(booking.tables)}`),
            el(
              "fieldset",
              { class: "change-sets" },
              el("legend", {}, swap ? "They change places with" : "Becomes a part of this party"),
              others.map(([other, it], index) =>
                el(
                  "label",
                  { class: "check" },
                  el("input", { type: "radio", name: "other", value: other, checked: index === 0 }),
                  `${tablesText(it.tables)} · ${whoOf(page, other, it)} · ${partyText(it.party)}`,
                ),
              ),
            ),
            !swap && el("p", { class: "small soft" }, "What was paid for the other booking stays in its account."),
          ],
          async (data) => {
            const other = String(data.get("other"));
            const it = bookings[other];
            await page.commands.run(
              `${swap ? "Swap" : "Join"} ${tablesText(booking.tables)} and ${tablesText(it.tables)}`,
              [...booking.tables, ...it.tables], "POST", `/v1/bookings/${id}/${verb}`,
              { other_id: other, edition: booking.edition ?? 0, other_edition: it.edition ?? 0 },
              { silent: true },
            );
          },
          close,
        ),
  ]);
}

/** A part of the party goes to tables of its own. @param {Page} page @param {string} id @param {any} booking */
async function askSplit(page, id, booking) {
  let party = Math.max(1, Math.floor(booking.party / 2));
  let go = false;
  await showDialog(`Split ${whoOf(page, id, booking)}`, (close) => [
    actForm(
      "Choose their tables",
      [
        group("How many go", stepper("party", party, 1, Math.max(1, booking.party - 1), (to) => (party = to))),
        el("p", { class: "small soft" }, "They get a booking and an entry code of their own. What was paid stays with the others."),
      ],
      async () => {
        go = true;
      },
      close,
    ),
  ]);
  if (!go) return;
  page.select(null);
  const own = booking.tables.length > 1 ? [booking.tables.at(-1)] : [];
  const tables = await page.chooser.choose(
    {
      title: `Tables for the ${party} who go`,
      verb: "Split",
      party,
      from: booking.tables,
      slot: [booking.slot_from, booking.slot_until],
      booking: id,
      split: true,
    },
    own,
  );
  if (!tables) return;
  const made = await page.commands.booking(
    id, "split", [...booking.tables, ...tables], `Split to ${tablesText(tables)}`,
    { party, tables, edition: booking.edition ?? 0 },
  );
  if (made) page.select(tables[0]);
}

/** Every line of the books about it. @param {Page} page @param {string} id @param {any} booking */
async function showHistory(page, id, booking) {
  const answer = await page.commands.look(`/v1/bookings/${id}/history`);
  if (!answer) return;
  await showDialog(`${whoOf(page, id, booking)}: what happened`, () => [
    el(
      "ol",
      { class: "history" },
      answer.events.map((/** @type {any} */ line) =>
        el(
          "li",
          {},
          el("time", { datetime: line.at, class: "small soft" }, `${timeText(line.at)} `),
          el("span", {}, line.text ?? capital(line.type.toLowerCase().replaceAll("_", " "))),
        ),
      ),
    ),
  ]);
}

/** @param {Page} page @param {string} id @param {any} booking */
function whoOf(page, id, booking) {
  return page.guests.names[id] ?? (booking.source === "walk_in" ? "Walk-in" : "No name given");
}
