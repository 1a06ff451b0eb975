// @ts-check
/** A button behind which something is read: once at a time, and a failure is told. */

import { el } from "../elements.js";
import { tellProblem } from "../toasts.js";

/**
 * @param {string} word @param {string} act what scripts and tests know it by
 * @param {() => Promise<void>} read @param {string} failure the head of what is said when it fails
 */
export function readButton(word, act, read, failure) {
  /** @type {HTMLButtonElement} */
  const button = el(
    "button",
    {
      class: "button",
      type: "button",
      "data-act": act,
      onclick: async () => {
        button.disabled = true;
        button.dataset.busy = "";
        try {
          await read();
        } catch (error) {
          tellProblem(error, failure);
        }
        button.disabled = false;
        delete button.dataset.busy;
      },
    },
    word,
  );
  return button;
}
