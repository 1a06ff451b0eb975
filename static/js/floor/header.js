// @ts-check
/** The bar at the top: night, clock, people inside, connection; and the legend that counts. */

import { byId, el, fill, mark, svg, write } from "../elements.js";
import { crowds, statusCounts } from "../picture.js";
import { nightText, timeText } from "../venue-clock.js";
import { LINK_WORD, STATUSES, STATUS_WORD } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page */
export function drawHeader(page) {
  const { live } = page;
  if (!live.state) return;
  const { night } = live.state.document;
  const now = live.clock.now();
  write(byId("night-name"), night.name ?? live.state.night);
  const state =
    night.status === "sealed"
      ? "closed"
      : `${timeText(night.doors_at)}–${timeText(night.closes_at)}`;
  write(byId("night-more"), `${nightText(live.state.night)} · ${state}`);
  write(byId("clock-time"), timeText(now));
  write(
    byId("clock-more"),
    live.clock.speed === 1 ? "venue time" : `venue time, ×${live.clock.speed}`,
  );
  drawCrowds(byId("crowds"), live.state.document);
}

/** @param {HTMLElement} place @param {import("../hash.js").FloorDocument} document */
export function drawCrowds(place, document) {
  const all = crowds(document);
  if (place.children.length !== all.length) {
    fill(
      place,
      all.map(() =>
        el(
          "div",
          { class: "crowd", role: "meter", "aria-valuemin": "0" },
          el(
            "div",
            { class: "crowd-line" },
            el("span", { class: "crowd-word" }),
            el("span", {}, el("b", {}), el("span", {})),
          ),
          el("div", { class: "crowd-bar" }, el("i", {})),
        ),
      ),
    );
  }
  all.forEach((crowd, index) => {
    const meter = place.children[index];
    mark(meter, "data-level", crowd.level);
    mark(meter, "aria-label", `${crowd.word}: ${crowd.inside} of ${crowd.limit}`);
    mark(meter, "aria-valuenow", String(crowd.inside));
    mark(meter, "aria-valuemax", String(crowd.limit));
    const word = { calm: crowd.word, warn: `▲ ${crowd.word}`, full: `■ ${crowd.word}` }[
      crowd.level
    ];
    write(meter.querySelector(".crowd-word"), word);
    write(meter.querySelector("b"), String(crowd.inside));
    write(meter.querySelector("b + span"), ` / ${crowd.limit}`);
    const bar = /** @type {HTMLElement} */ (meter.querySelector("i"));
    bar.style.scale = `${Math.min(1, crowd.inside / crowd.limit).toFixed(3)} 1`;
  });
}

/** @param {import("../live.js").Live} live */
export function drawLink(live) {
  const place = byId("link");
  mark(place, "data-link", live.link);
  const age = live.silenceMs;
  const figure =
    !Number.isFinite(age) || live.link === "connecting"
      ? ""
      : age < 10_000
        ? ` · ${(age / 1000).toFixed(1)} s`
        : ` · ${Math.round(age / 1000)} s`;
  // Announced when the word changes; the age beside it is for the eye.
  write(byId("link-text"), `${LINK_WORD[live.link]}${figure}`);
}

/** @param {Page} page */
export function drawLegend(page) {
  const place = byId("legend");
  if (!place.children.length) {
    for (const status of STATUSES) {
      place.append(
        el(
          "span",
          { class: `legend-item table tone-${status}`, "data-status": status },
          glyphOf(page, status),
          STATUS_WORD[status],
          el("b", {}),
        ),
      );
    }
  }
  const counts = statusCounts(/** @type {any} */ (page.live.state).document);
  STATUSES.forEach((status, index) => {
    write(place.children[index].querySelector("b"), String(counts.get(status) ?? 0));
  });
}

/** The mark of a status as the map draws it, for legend and sheet. @param {Page} page @param {string} status */
export function glyphOf(page, status) {
  const drawn = page.map.tables.values().next().value?.querySelector(`.glyph-${status}`);
  const copy = /** @type {Element | undefined} */ (drawn?.cloneNode());
  return svg("svg", { viewBox: "-17 -17 34 34", "aria-hidden": "true" }, copy);
}
