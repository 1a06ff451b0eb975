// @ts-check
/** What a floor is called, in both its words, and the tabs that choose one. */

import { el, mark } from "./elements.js";
import { FLOOR_WORD } from "./words.js";

/** @typedef {{name: string, title?: string}} Floor */

/** "Upstairs · The Lounge": where it is, and what it is called. @param {Floor} floor */
export function floorText(floor) {
  return [FLOOR_WORD[floor.name], floor.title].filter(Boolean).join(" · ");
}

/**
 * One button for each floor; where there is little room the two words stand one below the other.
 * @param {Element} place @param {Floor[]} floors @param {(name: string) => void} onChoose
 */
export function offerFloors(place, floors, onChoose) {
  for (const floor of floors) {
    const where = FLOOR_WORD[floor.name];
    place.append(
      el(
        "button",
        {
          class: "floor-tab",
          type: "button",
          "data-floor": floor.name,
          onclick: () => onChoose(floor.name),
        },
        where && el("span", { class: "floor-where" }, where),
        where && el("span", { class: "floor-dot" }, " · "),
        el("span", {}, floor.title),
      ),
    );
  }
}

/** Marks the tab of this floor as the chosen one. @param {Element} place @param {string} name */
export function markFloor(place, name) {
  for (const tab of place.children)
    mark(tab, "aria-pressed", String(tab.getAttribute("data-floor") === name));
}
