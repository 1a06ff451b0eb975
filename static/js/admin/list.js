// @ts-check
/** Lists of the administration: a table on a wide screen, cards on a narrow one, keys on both. */

import { el } from "../elements.js";

/**
 * @typedef {import("../elements.js").Child} Child
 * @typedef {{title: string, cell: (row: any) => Child, look?: string}} Column
 */

/**
 * A table; the first column names the row. Roles are written out, since a table that is laid out
 * as cards is none to a screen reader otherwise.
 * @param {string} caption @param {Column[]} columns @param {any[]} rows
 * @param {{id: (row: any) => string, off?: (row: any) => boolean}} about
 */
export function tableOf(caption, columns, rows, about) {
  return el(
    "table",
    { class: "list", role: "table" },
    el("caption", { class: "visually-hidden" }, caption),
    el(
      "thead",
      { role: "rowgroup" },
      el(
        "tr",
        { role: "row" },
        columns.map(({ title, look }) =>
          el(
            "th",
            { role: "columnheader", scope: "col", class: look },
            look === "acts" ? el("span", { class: "visually-hidden" }, title) : title,
          ),
        ),
      ),
    ),
    el(
      "tbody",
      { role: "rowgroup" },
      rows.map((row) =>
        el(
          "tr",
          { role: "row", "data-id": about.id(row), "data-off": about.off?.(row) },
          columns.map(({ title, cell, look }, index) =>
            index === 0
              ? el("th", { role: "rowheader", scope: "row", class: look }, cell(row))
              : el("td", { role: "cell", class: look, "data-title": title }, cell(row)),
          ),
        ),
      ),
    ),
  );
}

/**
 * A button in a list. `key` names it, so that it keeps the focus when the list is drawn again.
 * @param {string} label @param {string} key "<id>:<act>" @param {() => unknown} onclick
 * @param {{look?: string, about?: string}} [more] `about` says to a screen reader of whom
 */
export function rowButton(label, key, onclick, more = {}) {
  return el(
    "button",
    {
      class: `button ${more.look ?? ""}`,
      type: "button",
      "data-key": key,
      "data-act": key.split(":").at(-1),
      "aria-label": more.about && `${label}: ${more.about}`,
      onclick,
    },
    label,
  );
}

/** Nothing here, and what to do about it. @param {string} title @param {string} text @param {...Child} more */
export function nothing(title, text, ...more) {
  return el("div", { class: "empty" }, el("h2", {}, title), el("p", { class: "soft" }, text), more);
}

/** @param {string} text @param {"good" | "warn" | "bad" | ""} [tone] */
export function tag(text, tone = "") {
  return el("span", { class: `tag ${tone && `tag-${tone}`}` }, text);
}

/** What a row is called, with what is known of it below. @param {Child} name @param {...Child} more */
export function named(name, ...more) {
  const below = more.flat().filter(Boolean);
  return el(
    "div",
    {},
    el("span", { class: "row-name" }, name),
    below.length > 0 &&
      el(
        "span",
        { class: "row-more" },
        below.map((one) => el("span", {}, one)),
      ),
  );
}

/** Up and down walk along the same button of each row. @param {KeyboardEvent} event */
export function walkRows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const from = event.target instanceof Element && event.target.closest("[data-key]");
  if (!step || !from) return;
  const act = /** @type {HTMLElement} */ (from).dataset.act;
  const alike = [...document.querySelectorAll(`#section [data-act="${act}"]`)];
  const next = alike[alike.indexOf(from) + step];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/**
 * Draws the list anew and leaves the focus where it was.
 * @param {HTMLElement} place @param {() => void} draw
 */
export function keepingFocus(place, draw) {
  const at = document.activeElement;
  const inside = at instanceof HTMLElement && place.contains(at);
  const key = inside ? at.dataset.key : undefined;
  draw();
  if (!inside || place.contains(at)) return;
  const again = key === undefined ? null : place.querySelector(`[data-key="${CSS.escape(key)}"]`);
  const heading = document.getElementById("heading");
  (again instanceof HTMLElement ? again : heading)?.focus({ preventScroll: true });
}
