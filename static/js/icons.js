// @ts-check
/** The screens' small signs: strokes on a grid of 24, straight lines and quarter circles. */

import { svg } from "./elements.js";

/** @type {Object<string, string>} */
const STROKES = {
  close: "M5 5l14 14M19 5L5 19",
  plus: "M12 4v16M4 12h16",
  minus: "M4 12h16",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M15.5 15.5L21 21",
  chevron: "M6 9l6 6l6-6",
  back: "M15 5l-7 7l7 7",
  sun: "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8M12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  moon: "M19 14.5A8 8 0 1 1 9.5 5a6.5 6.5 0 0 0 9.5 9.5z",
  camera: "M4 8h4l2-3h4l2 3h4v11H4zM12 10a3.2 3.2 0 1 1 0 6.4a3.2 3.2 0 0 1 0-6.4",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M8 14.5h8",
  people:
    "M9 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6M3 20c0-4 3-6 6-6s6 2 6 6M16 5.5a3 3 0 0 1 0 5.5M17 14c2.500 .6 4 2.600 4 6",
  map: "M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z",
  list: "M8 6h13M8 12h13M8 18h13M3 6h.01M3 12h.01M3 18h.01",
  feed: "M3 12h4l3-8l4 16l3-8h4",
  leave: "M10 4H4v16h6M14 8l4 4l-4 4M9 12h9",
  keys: "M8 3a5 5 0 1 1 0 10a5 5 0 0 1 0-10M11.500 11.500L21 21M21 17l-3.500 3.500M17 14l-3 3",
  tray: "M12 3v10M7.500 9l4.500 4.500l4.500-4.500M4 14v6h16v-6",
  door: "M6 21V9a6 6 0 0 1 12 0v12M3 21h18M14.500 14h.01",
};

/**
 * One sign; without a label it is decoration.
 * @param {string} name @param {string} [label]
 */
export function icon(name, label) {
  return svg(
    "svg",
    {
      class: "icon",
      viewBox: "0 0 24 24",
      "aria-hidden": label ? null : "true",
      "aria-label": label,
    },
    svg("path", { d: STROKES[name] }),
  );
}
