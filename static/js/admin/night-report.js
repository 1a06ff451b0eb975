// @ts-check
/** A night's report: its figures so far; sealed, they stand for ever. */

import { el } from "../elements.js";
import { nightText } from "../venue-clock.js";
import { pounds } from "../words.js";
import { readButton } from "./read-button.js";
import { DOOR_LINE } from "./says.js";

/**
 * Each figure of the night with its words; `look` marks what somebody should ask about.
 * @type {[string, string, string?][]}
 */
const DOOR = [
  ["people_admitted", "People let in"],
  ["people_peak", "Most inside at once"],
  ["people_left", "People gone"],
  ["entries_refused", DOOR_LINE.refused],
  ["entries_overridden", DOOR_LINE.overridden, "warn"],
  ["check_ins_undone", DOOR_LINE.undone, "warn"],
  ["incidents", "Incidents", "bad"],
];
/** @type {[string, string, string?][]} */
const TABLES = [
  ["parties_seated", "Parties seated"],
  ["walk_ins", "Walk-ins"],
  ["bookings_confirmed", "Bookings confirmed"],
  ["bookings_cancelled", "Cancelled"],
  ["no_shows", "No-shows"],
  ["deposits_pence", "Deposits"],
  ["refunds_pence", "Given back"],
];

/**
 * @param {import("./desk.js").Desk} desk @param {string} night
 * @param {Object<string, number>} figures
 */
export function nightReport(desk, night, figures) {
  return el(
    "section",
    { class: "report", "aria-label": `Report of ${nightText(night)}` },
    el("header", { class: "report-head" }, el("h2", {}, nightText(night)), saveButton(desk, night)),
    [DOOR, TABLES].map((some) =>
      el(
        "dl",
        { class: "figures" },
        some.map(([name, word, look]) =>
          el(
            "div",
            { "data-figure": name, "data-look": figures[name] > 0 ? (look ?? "") : "" },
            el("dt", {}, word),
            el("dd", {}, name.endsWith("_pence") ? pounds(figures[name]) : String(figures[name])),
          ),
        ),
      ),
    ),
  );
}

/** The lines that the figures come from, for a spreadsheet. @param {import("./desk.js").Desk} desk @param {string} night */
function saveButton(desk, night) {
  return readButton(
    "Report as CSV",
    "report-file",
    () => desk.download(`/v1/nights/${night}/report.csv`, `night-report-${night}.csv`),
    "No report",
  );
}
