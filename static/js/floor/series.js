// @ts-check
/** Bookings that recur: what each date offers, booking those that are agreed, ending the rest. */

import { Problem, read } from "../api.js";
import { actForm, askSure, choice, field, group, showDialog, stepper } from "../dialog.js";
import { el, fill } from "../elements.js";
import { longNightText, nightText, timeText } from "../venue-clock.js";
import { BOOKING_WORD, partyText, pounds, tablesText } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

const PARTY_MAX = 40;
const TIMES_MAX = 26;
const LEAVE_OUT = "";

/**
 * What is asked for, kept from the first form to the second.
 * @typedef {{table: number, party: number, times: number, everyWeeks: string, from: string,
 *   until: string, name: string, phone: string, email: string, paid: string}} Wish
 */

/** Asks for a party that comes every week, from the shown night on. @param {Page} page @param {number} table */
export async function askSeries(page, table) {
  const seats = page.floor.tables.find((/** @type {any} */ one) => one.number === table)?.capacity;
  /** @type {Wish} */
  const wish = {
    table, party: seats?.optimal ?? 2, times: 4, everyWeeks: "1", from: "", until: "",
    name: "", phone: "", email: "", paid: "",
  };
  /** @type {any[] | null} */
  let dates = null;
  while ((dates = await askWish(page, wish)) !== null) {
    if ((await askDates(page, wish, dates)) !== "back") return;
  }
}

/**
 * The party and its rhythm; resolves to what each date offers, null when it was called off.
 * @param {Page} page @param {Wish} wish @returns {Promise<any[] | null>}
 */
async function askWish(page, wish) {
  /** @type {any[] | null} */
  let dates = null;
  const night = page.commands.night;
  const words = (/** @type {"name" | "phone" | "email" | "from" | "until"} */ name, more = {}) =>
    kept(el("input", { class: "input", name, maxlength: "120", autocomplete: "off", ...more }), wish, name);
  const one = (/** @type {"everyWeeks" | "paid"} */ name, /** @type {[string, string][]} */ options) =>
    kept(choice(name, options), wish, name);
  await showDialog(`T${wish.table} every week`, (close) => [
    actForm(
      "Look at the dates",
      [
        el("p", { class: "soft" }, `From ${longNightText(night)} on. You see each date before anything is booked.`),
        el(
          "div",
          { class: "form-row" },
          group("Party", stepper("party", wish.party, 1, PARTY_MAX, (to) => (wish.party = to))),
          group("Dates", stepper("times", wish.times, 2, TIMES_MAX, (to) => (wish.times = to))),
        ),
        field("How often", one("everyWeeks", [
          ["1", "Every week"], ["2", "Every two weeks"], ["4", "Every four weeks"],
        ])),
        el(
          "div",
          { class: "form-row" },
          field("From", words("from", { type: "time" }), "Empty: the doors"),
          field("Until", words("until", { type: "time" }), "Empty: the close"),
        ),
        field("Name", words("name", { required: true })),
        el(
          "div",
          { class: "form-row" },
          field("Phone (optional)", words("phone", { type: "tel", maxlength: "30" })),
          field("E-mail (optional)", words("email", { type: "email", maxlength: "254" })),
        ),
        field("Deposits", one("paid", [
          ["", "Stay due"], ["card", "All taken now, by card"], ["cash", "All taken now, in cash"],
        ])),
      ],
      async () => {
        const asked = new URLSearchParams({
          times: String(wish.times), party: String(wish.party), every_weeks: wish.everyWeeks,
          tables: String(wish.table),
        });
        if (wish.from) asked.set("from", wish.from);
        if (wish.until) asked.set("until", wish.until);
        dates = (await read(`/v1/nights/${night}/series?${asked}`)).dates;
      },
      close,
    ),
  ]);
  return dates;
}

/**
 * Each date with what it offers; those that are agreed are booked together.
 * @param {Page} page @param {Wish} wish @param {any[]} dates
 * @returns {Promise<"done" | "back">}
 */
async function askDates(page, wish, dates) {
  /** @type {"done" | "back"} */
  let outcome = "back";
  await showDialog(`\u2068${wish.name}\u2069, ${partyText(wish.party)}`, (close) => {
    const list = el("ol", { class: "series" });
    const sum = el("p", { class: "soft", role: "status" });
    const draw = () => {
      fill(list, dates.map((date) => row(date, tell)));
      tell();
    };
    const tell = () => {
      const chosen = agreed(list, dates);
      const deposit = chosen.reduce((total, one) => total + one.deposit_pence, 0);
      const money = wish.paid ? `${pounds(deposit)} of deposits taken` : `${pounds(deposit)} of deposits due`;
      sum.textContent = chosen.length ? `${chosen.length} of ${dates.length} dates · ${money}` : "No date is chosen.";
    };
    draw();
    return [
      actForm(
        "Book these dates",
        [list, sum],
        async () => {
          const chosen = agreed(list, dates);
          if (chosen.length === 0) throw new Error("Choose at least one date.");
          const contact = Object.fromEntries(
            ["name", "phone", "email"].map((name) => [name, /** @type {any} */ (wish)[name]]).filter(([, it]) => it),
          );
          const body = {
            party: wish.party,
            contact,
            dates: chosen.map(({ night, tables, from, until }) => ({ night, tables, from, until })),
            ...(wish.paid ? { paid: wish.paid } : {}),
          };
          try {
            const here = chosen[0].night === page.commands.night;
            await page.commands.run(
              `${chosen.length} dates for ${wish.name}`, here ? chosen[0].tables : [], "POST", "/v1/series", body,
              { silent: true, here },
            );
          } catch (error) {
            // Somebody was faster: what those dates offer now stands in the refusal.
            if (error instanceof Problem && error.reason === "series_not_free") {
              dates = dates.map((date) => lost(date, error.fields.dates));
              draw();
            }
            throw error;
          }
          outcome = "done";
        },
        close,
      ),
    ];
  });
  return outcome;
}

/** One date: its tables, or its problem and what else is free. @param {any} date @param {() => void} changed */
function row(date, changed) {
  const sets = [...(date.problem ? [] : [date]), ...(date.alternatives ?? [])];
  const select = el(
    "select",
    { class: "input", name: date.night, "aria-label": `Tables on ${longNightText(date.night)}`, onchange: changed },
    sets.map((set) => el("option", { value: set.tables.join(",") }, `${tablesText(set.tables)} · ${pounds(set.deposit_pence ?? 0)}`)),
    el("option", { value: LEAVE_OUT, selected: Boolean(date.problem) }, "Leave this date out"),
  );
  return el(
    "li",
    { class: "series-date", "data-night": date.night, "data-problem": date.problem ? date.problem.reason : null },
    el("strong", {}, nightText(date.night)),
    el(
      "span",
      { class: "small soft" },
      date.from ? `${timeText(date.from)} to ${timeText(date.until)}` : "",
    ),
    date.problem && el("p", { class: "finding finding-warn" }, date.problem.detail),
    sets.length > 0 ? select : null,
  );
}

/** The dates with the tables that are chosen for each. @param {Element} list @param {any[]} dates @returns {any[]} */
function agreed(list, dates) {
  return dates.flatMap((date) => {
    const select = list.querySelector(`select[name="${date.night}"]`);
    const value = select instanceof HTMLSelectElement ? select.value : LEAVE_OUT;
    if (value === LEAVE_OUT) return [];
    const set = [date, ...(date.alternatives ?? [])].find((one) => one.tables.join(",") === value);
    return [{ night: date.night, tables: set.tables, deposit_pence: set.deposit_pence ?? 0, from: date.from, until: date.until }];
  });
}

/** The date as the refusal says it stands. @param {any} date @param {any[]} refused */
function lost(date, refused) {
  const told = refused.find((one) => one.night === date.night);
  if (!told) return date;
  const problem = { reason: told.reason, detail: told.detail };
  return { ...date, tables: [], problem, alternatives: told.alternatives ?? [] };
}

/** The other dates of the booking, and their end. @param {Page} page @param {string} seriesId @param {string} who */
export async function showSeries(page, seriesId, who) {
  const series = await page.commands.look(`/v1/series/${seriesId}`);
  if (!series) return;
  const here = page.commands.night;
  const open = (/** @type {any} */ one) => ["pending", "confirmed"].includes(one.status) && !one.admitted;
  const rest = series.bookings.filter((/** @type {any} */ one) => open(one) && one.night >= here);
  let cancel = false;
  await showDialog(`\u2068${who}\u2069: ${series.bookings.length} dates`, (close) => [
    el(
      "ol",
      { class: "series" },
      series.bookings.map((/** @type {any} */ one) =>
        el(
          "li",
          { class: "series-date", "data-night": one.night },
          el("strong", {}, nightText(one.night)),
          el("span", { class: "small soft" }, `${tablesText(one.tables)} · ${BOOKING_WORD[one.status] ?? one.status}`),
          one.due_pence > 0 && open(one) && el("p", { class: "small soft" }, `${pounds(one.due_pence)} of the deposit is due`),
          one.night !== here && el("a", { class: "small", href: `/floor?night=${one.night}` }, "Show this night"),
        ),
      ),
    ),
    rest.length > 0 &&
      el(
        "div",
        { class: "dialog-foot" },
        el(
          "button",
          {
            class: "button button-danger",
            type: "button",
            "data-act": "series-cancel",
            onclick: () => {
              cancel = true;
              close();
            },
          },
          `Cancel ${rest.length === 1 ? "the last date" : `these ${rest.length} dates`}`,
        ),
      ),
  ]);
  if (!cancel) return;
  const text = `${rest.map((/** @type {any} */ one) => nightText(one.night)).join(", ")}. Deposits go back by each booking's policy, and the guest is told once.`;
  if (await askSure("Cancel the rest of the series?", text, "Cancel these dates")) {
    await page.commands.run(
      `Cancel ${rest.length} dates`, rest[0].tables, "POST", `/v1/series/${seriesId}/cancel`,
      { since: here }, { here: rest[0].night === here },
    );
  }
}

/**
 * The control shows the wish's value and keeps it.
 * @template {HTMLElement} T
 * @param {T} control @param {Wish} wish @param {keyof Wish} name @returns {T}
 */
function kept(control, wish, name) {
  const input = /** @type {any} */ (control);
  const known = /** @type {any} */ (wish);
  input.value = known[name];
  input.addEventListener("input", () => (known[name] = input.value.trim()));
  return control;
}
