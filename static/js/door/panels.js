// @ts-check
/** On a phone the list and the clicker are called up over the picture by the thumb's own buttons. */

import { byId, fill, mark, write } from "../elements.js";
import { el } from "../elements.js";
import { icon } from "../icons.js";
import { crowds } from "../picture.js";

/** @typedef {"" | "tonight" | "inside"} Panel */

export function offerPanels() {
  const body = document.body;
  const inside = el("span", {}, "Inside");
  /** @type {[Panel, HTMLElement][]} */
  const buttons = [
    ["tonight", byId("show-tonight")],
    ["inside", byId("show-inside")],
  ];
  fill(byId("show-tonight"), icon("list"), "Tonight");
  fill(byId("show-inside"), icon("people"), inside);

  /** @param {Panel} panel "": none */
  const show = (panel) => {
    mark(body, "data-panel", panel);
    for (const [name, button] of buttons) mark(button, "aria-pressed", String(name === panel));
  };
  for (const [name, button] of buttons)
    button.addEventListener("click", () => show(body.dataset.panel === name ? "" : name));

  for (const tab of document.querySelectorAll("[data-list]"))
    tab.addEventListener("click", () => {
      const chosen = /** @type {HTMLElement} */ (tab).dataset.list;
      for (const other of document.querySelectorAll("[data-list]"))
        mark(other, "aria-pressed", String(other === tab));
      byId("arrivals").hidden = byId("arrivals-count").hidden = chosen !== "tonight";
      byId("scans").hidden = chosen !== "scans";
    });

  return {
    show,
    /** The house's figure on its button, with a sign from 90 % on. @param {import("../live.js").Live} live */
    count(live) {
      if (!live.state) return;
      const house = crowds(live.state.document).find(({ name }) => name === "house");
      if (!house) return;
      const worst = crowds(live.state.document).map(({ level }) => level);
      const level = worst.includes("full") ? "full" : worst.includes("warn") ? "warn" : "calm";
      mark(byId("show-inside"), "data-level", level);
      write(inside, `${{ calm: "", warn: "▲ ", full: "■ " }[level]}${house.inside} in`);
    },
  };
}
