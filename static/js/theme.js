// @ts-check
/** Dark or light: what the device prefers, unless this device was told otherwise. */

import { fill } from "./elements.js";
import { icon } from "./icons.js";

const KEY = "backroom.theme";

/** Makes a button that switches the theme. @param {HTMLElement} button */
export function offerTheme(button) {
  const chosen = localStorage.getItem(KEY);
  if (chosen) document.documentElement.dataset.theme = chosen;
  const light = matchMedia("(prefers-color-scheme: light)");
  const isLight = () =>
    (document.documentElement.dataset.theme ?? (light.matches ? "light" : "dark")) === "light";
  const draw = () => {
    fill(button, icon(isLight() ? "moon" : "sun"));
    button.setAttribute("aria-label", isLight() ? "Use the dark theme" : "Use the light theme");
  };
  button.addEventListener("click", () => {
    const next = isLight() ? "dark" : "light";
    document.documentElement.dataset.theme = next;
    localStorage.setItem(KEY, next);
    draw();
  });
  light.addEventListener("change", draw);
  draw();
}
