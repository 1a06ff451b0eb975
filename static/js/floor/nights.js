// @ts-check
/** Choosing the night to look at, and opening, editing and closing nights. */

import { read, send } from "../api.js";
import { showCalendar } from "../calendar.js";
import { actForm, askSure, field, showDialog } from "../dialog.js";
import { byId, el } from "../elements.js";
import { icon } from "../icons.js";
import { tellProblem } from "../toasts.js";
import { instantOf, nightText, timeText } from "../venue-clock.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page @param {any} _nights */
export function offerNights(page, _nights) {
  const button = byId("night");
  button.append(icon("chevron"));
  button.addEventListener("click", () => chooseNight(page));
}

/** @param {Page} page */
async function chooseNight(page) {
  let listed;
  try {
    listed = await read("/v1/nights");
  } catch (error) {
    return tellProblem(error, "The nights cannot be listed");
  }
  page.tonight = listed.tonight;
  /** @type {(() => void) | null} */
  let next = null;
  const shown = page.live.state?.night;
  await showDialog("Nights", (close) => {
    const then = (/** @type {() => void} */ act) => () => {
      next = act;
      close();
    };
    const rows = listed.nights.map((/** @type {any} */ night) =>
      el(
        "button",
        {
          class: "night-row",
          type: "button",
          "aria-current": night.night === shown ? "true" : null,
          onclick: then(() => follow(page, night.night, listed.tonight)),
        },
        el("b", {}, night.name),
        el(
          "span",
          { class: "eyebrow" },
          night.night === listed.tonight
            ? "tonight"
            : night.status === "sealed"
              ? "closed"
              : "open",
        ),
        el(
          "span",
          { class: "small soft" },
          `${nightText(night.night)} · ${timeText(night.doors_at)} to ${timeText(night.closes_at)}`,
        ),
      ),
    );
    const current = listed.nights.find((/** @type {any} */ night) => night.night === shown);
    return [
      el("div", {}, rows.length ? rows : el("p", { class: "empty" }, "No night is open.")),
      el(
        "div",
        { class: "dialog-foot" },
        page.may("calendar:follow") &&
          current &&
          el(
            "button",
            { class: "button", type: "button", onclick: then(() => showNight(current)) },
            "Calendar",
          ),
        page.may("night:close") &&
          current?.status === "open" &&
          el(
            "button",
            {
              class: "button button-danger",
              type: "button",
              onclick: then(() => closeNight(page, current)),
            },
            "Close this night",
          ),
        page.may("night:edit") &&
          current?.status === "open" &&
          el(
            "button",
            { class: "button", type: "button", onclick: then(() => editNight(page, current)) },
            "Edit this night",
          ),
        page.may("night:open") &&
          el(
            "button",
            { class: "button button-main", type: "button", onclick: then(() => openNight(page)) },
            "Open a night",
          ),
      ),
    ];
  });
  /** @type {any} */ (next)?.();
}

/** @param {Page} page @param {string} night @param {string | null} tonight */
function follow(page, night, tonight) {
  page.select(null);
  page.live.follow(night === tonight ? null : night);
  history.replaceState(null, "", night === tonight ? "/floor" : `/floor?night=${night}`);
}

/** The night in one's own calendar. @param {any} night */
function showNight(night) {
  const words = `${night.name}, for you alone: each party with its first name and initial, size and tables. It ends with your account.`;
  return showCalendar("This night in your calendar", words, (renew) =>
    send("POST", `/v1/nights/${night.night}/calendar`, { renew }),
  );
}

/** @param {Page} page */
function openNight(page) {
  const tomorrow = new Date(page.live.clock.now() + 86_400_000).toISOString().slice(0, 10);
  return showDialog("Open a night", (close) => [
    actForm(
      "Open",
      [
        field(
          "Date",
          el("input", {
            class: "input",
            type: "date",
            name: "night",
            value: tomorrow,
            required: true,
          }),
        ),
        field(
          "Name (optional)",
          el("input", {
            class: "input",
            name: "name",
            maxlength: "120",
            placeholder: "Saturday at The Backroom",
          }),
        ),
        el(
          "p",
          { class: "small soft" },
          "Hours, limits and prices are the venue's; edit the night to change them.",
        ),
      ],
      async (data) => {
        const night = String(data.get("night"));
        const name = String(data.get("name")).trim();
        await page.commands.run(
          "Open the night",
          [],
          "POST",
          "/v1/nights",
          { night, ...(name ? { name } : {}) },
          { silent: true },
        );
        follow(page, night, null);
      },
      close,
    ),
  ]);
}

/** @param {Page} page @param {any} night */
function editNight(page, night) {
  const time = (/** @type {string} */ label, /** @type {string} */ name) =>
    field(
      label,
      el("input", {
        class: "input",
        type: "time",
        name,
        value: timeText(night[name]),
        required: true,
      }),
    );
  const people = (/** @type {string} */ label, /** @type {string} */ name) =>
    field(
      label,
      el("input", {
        class: "input",
        type: "number",
        name,
        min: "1",
        max: "10000",
        value: String(night.limits[name]),
        required: true,
      }),
    );
  return showDialog(`Edit ${nightText(night.night)}`, (close) => [
    actForm(
      "Save",
      [
        field(
          "Name",
          el("input", {
            class: "input",
            name: "name",
            maxlength: "120",
            value: night.name,
            required: true,
          }),
        ),
        el(
          "div",
          { class: "form-row" },
          time("Doors", "doors_at"),
          time("Last entry", "last_entry_at"),
          time("Close", "closes_at"),
        ),
        el(
          "div",
          { class: "form-row" },
          people("Upstairs limit", "upstairs"),
          people("Downstairs limit", "downstairs"),
          people("House limit", "house"),
        ),
      ],
      async (data) => {
        const body = changesOf(data, night);
        if (Object.keys(body).length > 0)
          await page.commands.run(
            "Edit the night",
            [],
            "PATCH",
            `/v1/nights/${night.night}`,
            body,
            { silent: true },
          );
      },
      close,
    ),
  ]);
}

/** Only what differs is sent. @param {FormData} data @param {any} night */
function changesOf(data, night) {
  /** @type {Object<string, any>} */
  const body = {};
  const name = String(data.get("name")).trim();
  if (name !== night.name) body.name = name;
  for (const field of ["doors_at", "last_entry_at", "closes_at"]) {
    const local = String(data.get(field));
    if (local !== timeText(night[field])) body[field] = instantOf(local, night.doors_at);
  }
  const limits = Object.fromEntries(
    ["upstairs", "downstairs", "house"].map((floor) => [floor, Number(data.get(floor))]),
  );
  if (Object.entries(limits).some(([floor, limit]) => limit !== night.limits[floor]))
    body.limits = limits;
  return body;
}

/** @param {Page} page @param {any} night */
async function closeNight(page, night) {
  const text =
    "Parties still seated are completed, the figures stand for ever, and nothing more can be booked or seated. This cannot be undone.";
  if (await askSure(`Close ${night.name}?`, text, "Close the night")) {
    await page.commands.run("Close the night", [], "PATCH", `/v1/nights/${night.night}`, {
      status: "sealed",
    });
  }
}
