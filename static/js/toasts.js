// @ts-check
/** Short notices at the edge of the screen: what went wrong and why, or what is done. */

import { el } from "./elements.js";
import { icon } from "./icons.js";
import { Problem, Unreachable } from "./api.js";

const SHOWN_MS = { good: 4000, bad: 12_000 };
const TOASTS_MAX = 4;

/** @param {string} title @param {string} [detail] */
export function tell(title, detail = "") {
  show("good", title, detail, "");
}

/** Done, and somebody has to look after it: it stays as long as an error does. @param {string} title @param {string} detail */
export function warn(title, detail) {
  show("bad", title, detail, "");
}

/**
 * An error as a notice; the service's own sentence, with its stable reason kept for whoever asks.
 * @param {unknown} error @param {string} [title] what was being done
 */
export function tellProblem(error, title = "That did not happen") {
  if (error instanceof Problem) show("bad", title, error.message, error.reason);
  else if (error instanceof Unreachable) show("bad", title, error.message, error.reason);
  else {
    console.error(error);
    show(
      "bad",
      title,
      "The page made a mistake. Reload it, and tell the manager if it returns.",
      "page",
    );
  }
}

/** @param {"good" | "bad"} kind @param {string} title @param {string} detail @param {string} reason */
function show(kind, title, detail, reason) {
  const shelf = document.getElementById("toasts") ?? makeShelf();
  const close = () => toast.remove();
  const toast = el(
    "div",
    {
      class: `toast toast-${kind}`,
      role: kind === "bad" ? "alert" : "status",
      "data-reason": reason,
    },
    el("span", { class: "toast-mark", "aria-hidden": "true" }, kind === "bad" ? "!" : "✓"),
    el(
      "div",
      { class: "toast-text" },
      el("strong", {}, title),
      detail && el("p", {}, detail),
      reason && el("p", { class: "toast-reason" }, reason),
    ),
    el(
      "button",
      { class: "icon-button", type: "button", "aria-label": "Dismiss", onclick: close },
      icon("close"),
    ),
  );
  const twin = [...shelf.children].find((other) => other.textContent === toast.textContent);
  twin?.remove();
  shelf.append(toast);
  while (shelf.children.length > TOASTS_MAX) shelf.firstElementChild?.remove();
  setTimeout(close, SHOWN_MS[kind]);
}

function makeShelf() {
  const shelf = el("div", { id: "toasts", class: "toasts" });
  document.body.append(shelf);
  return shelf;
}
