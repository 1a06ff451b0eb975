// @ts-check
/** The last scans of this tablet; each can be looked at again. */

import { byId, el, fill } from "../elements.js";
import { secondsText } from "../venue-clock.js";
import { tablesText, typedText } from "../words.js";
import { shape } from "./verdict.js";

/** @typedef {import("./scanner.js").Scan} Scan */

/**
 * @param {Scan[]} scans newest first
 * @param {import("../venue-clock.js").VenueClock} clock
 * @param {(scan: Scan) => void} onChoose
 */
export function drawScans(scans, clock, onChoose) {
  const place = byId("scans");
  if (scans.length === 0) return fill(place, el("li", { class: "row-none soft" }, "None yet"));
  fill(
    place,
    scans.map((scan) => {
      const verdict = scan.verdict;
      const sent = scan.state === "sent";
      const people = verdict?.people ? ` × ${verdict.people}` : "";
      const what =
        verdict?.name || (scan.body.reference ? typedText(scan.body.reference) : "Code");
      return el(
        "li",
        {},
        el(
          "button",
          { class: "row scan-row", type: "button", onclick: () => onChoose(scan) },
          shape(sent ? "busy" : (verdict?.verdict ?? "busy")),
          el("b", {}, sent ? "Checking…" : `${verdict?.title ?? ""}${people}`),
          el("time", {}, secondsText(clock.now() - (Date.now() - scan.at) * clock.speed)),
          el(
            "span",
            { class: "row-more" },
            [
              what,
              tablesText(verdict?.tables ?? []),
              scan.state === "doubt" ? "no answer yet, trying on" : "",
            ]
              .filter(Boolean)
              .join(" · "),
          ),
        ),
      );
    }),
  );
}
