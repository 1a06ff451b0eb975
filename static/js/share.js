// @ts-check
/** A link to hand on: shown, copied, or shared by the phone's own sheet. */

import { showDialog } from "./dialog.js";
import { el } from "./elements.js";
import { tell } from "./toasts.js";

/**
 * @param {string} title @param {string} words what it opens, and for whom
 * @param {string} address @param {string} label what a screen reader calls the link
 */
export function showLink(title, words, address, label) {
  const input = el("input", {
    class: "input",
    readonly: true,
    value: address,
    "aria-label": label,
    onfocus: () => input.select(),
  });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(address);
      tell("Copied", "Paste it where you will find it again.");
    } catch {
      input.select(); // without a secure context the person copies it by hand
    }
  };
  return showDialog(title, () => [
    el("p", { class: "soft" }, words),
    input,
    el(
      "div",
      { class: "dialog-foot" },
      el("a", { class: "button", href: address, target: "_blank", rel: "noreferrer" }, "Open"),
      "share" in navigator &&
        el(
          "button",
          {
            class: "button",
            type: "button",
            onclick: () => navigator.share({ url: address }).catch(() => {}),
          },
          "Share",
        ),
      el("button", { class: "button button-main", type: "button", onclick: copy }, "Copy"),
    ),
  ]);
}
