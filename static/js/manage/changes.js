// @ts-check
/** What a customer changes of their own booking: how many come, what they wish, and the night. */

import { read } from "../api.js";
import { actForm, choice, field, group, showDialog, stepper } from "../dialog.js";
import { el, fill } from "../elements.js";
import { longNightText, ms } from "../venue-clock.js";
import { tell, warn } from "../toasts.js";
import { REISSUE_WHY, pounds, tablesSpoken } from "../words.js";

/** @typedef {(method: "PATCH" | "POST", path: string, body: Object<string, any>) => Promise<void>} Change */

/** Whether the club still lets guests change it themselves. @param {any} booking @param {any} floor @param {number} now */
export function mayChange(booking, floor, now) {
  const latest = ms(booking.from) - (floor.change_minutes ?? 0) * 60_000;
  return booking.status === "confirmed" && booking.admitted === 0 && now <= latest;
}

/** @param {any} booking @param {any} floor @param {Change} change */
export function askParty(booking, floor, change) {
  const seats = floor.tables
    .filter((/** @type {any} */ table) => booking.tables.includes(table.number))
    .reduce((/** @type {number} */ sum, /** @type {any} */ table) => sum + table.capacity.max, 0);
  let { party } = booking;
  const wish = el("input", { class: "input", name: "requests", maxlength: "500", autocomplete: "off" });
  wish.value = booking.requests ?? "";
  return showDialog("Party and requests", (close) => [
    actForm(
      "Save",
      [
        group("How many come", stepper("party", party, 1, Math.max(seats, party), (to) => (party = to))),
        field("Anything we should know", wish, "An allergy, a birthday, somebody who cannot climb stairs."),
      ],
      async (data) => {
        /** @type {Object<string, any>} */
        const body = {};
        const said = String(data.get("requests") ?? "").trim();
        if (party !== booking.party) body.party = party;
        if (said !== (booking.requests ?? "")) body.requests = said;
        await change("PATCH", "", body);
      },
      close,
    ),
  ]);
}

/**
 * A new entry code in place of the old one. @param {any} booking @param {any} floor
 * @param {(body: Object<string, any>) => Promise<{may_still_admit: string[]}>} reissue
 */
export async function askCode(booking, floor, reissue) {
  /** @type {string[] | null} */
  let doors = null;
  await showDialog("A new entry code", (close) => [
    actForm(
      "Make a new code",
      [
        el(
          "p",
          {},
          "This revokes the old code at once, and the codes that you gave your guests. Whoever has a picture of the old one stays outside.",
        ),
        field("Why", choice("reason", Object.entries(REISSUE_WHY))),
      ],
      async (data) => {
        doors = (await reissue({ reason: String(data.get("reason")) })).may_still_admit;
      },
      close,
      "button-danger",
    ),
  ]);
  if (doors === null) return;
  const named = /** @type {string[]} */ (doors).map(
    (id) => floor.doors.find((/** @type {any} */ one) => one.id === id)?.name ?? id,
  );
  if (named.length)
    warn("Your new code", `${named.join(" and ")} may still let the old code in for a while: it cannot be reached. Tell the club if that matters.`);
  else tell("Your new code", "It is the one on this page. The old one is void at every door.");
}

/** @param {any} booking @param {any} floor @param {Change} change */
export function askNight(booking, floor, change) {
  return showDialog("Another night", (close) => {
    const sets = el("fieldset", { class: "change-sets" }, el("legend", {}, "Looking…"));
    const night = el("select", { class: "input", name: "night" });
    const offer = async () => {
      fill(sets, el("legend", {}, "Looking…"));
      try {
        const free = await read(`/v1/nights/${night.value}/availability?party=${booking.party}`);
        fill(
          sets,
          el("legend", {}, free.sets.length ? "Choose your table" : "Nothing is free on this night for your party"),
          free.sets.slice(0, 8).map((/** @type {any} */ set, /** @type {number} */ index) => {
            const more = set.deposit_pence - booking.paid_pence;
            return el(
              "label",
              { class: "check" },
              el("input", { type: "radio", name: "tables", value: set.tables.join(","), checked: index === 0 }),
              `${tablesSpoken(set.tables)}${more > 0 ? ` · ${pounds(more)} more deposit, at the desk` : ""}`,
            );
          }),
        );
      } catch (problem) {
        fill(sets, el("legend", { class: "form-error" }, problem instanceof Error ? problem.message : ""));
      }
    };
    read("/v1/nights")
      .then((answer) => {
        const others = answer.nights.filter((/** @type {any} */ one) => one.night !== booking.night);
        if (others.length === 0) return fill(sets, el("legend", {}, "No other night is open yet."));
        fill(night, others.map((/** @type {any} */ one) => el("option", { value: one.night }, longNightText(one.night))));
        return offer();
      })
      .catch(() => fill(sets, el("legend", { class: "form-error" }, "The nights cannot be listed just now.")));
    night.addEventListener("change", offer);
    return [
      actForm(
        "Change the night",
        [
          field("Night", night),
          sets,
          el("p", { class: "small soft" }, "What you paid goes along, and you get a new entry code. The old one stops working."),
        ],
        async (data) => {
          if (!data.get("tables")) throw new Error("Choose a table first, or another night.");
          await change("POST", "/reschedule", {
            night: String(data.get("night")),
            tables: String(data.get("tables")).split(",").map(Number),
          });
        },
        close,
      ),
    ];
  });
}
