// @ts-check
/** A modal form: the browser's own dialog, so that focus, Esc and the background are its work. */

import { el, fill } from "./elements.js";
import { icon } from "./icons.js";

/**
 * Shows a dialog and resolves when it is closed.
 * @param {string} title
 * @param {(close: () => void) => (Node | null | false)[]} build
 * @returns {Promise<void>}
 */
export function showDialog(title, build) {
  return new Promise((resolve) => {
    const close = () => dialog.close();
    const dialog = el(
      "dialog",
      { "aria-label": title },
      el(
        "div",
        { class: "dialog-head" },
        el("h2", {}, title),
        el(
          "button",
          { class: "icon-button", type: "button", "aria-label": "Close", onclick: close },
          icon("close"),
        ),
      ),
      el("div", { class: "dialog-body" }),
    );
    fill(/** @type {Element} */ (dialog.querySelector(".dialog-body")), build(close));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve();
    });
    dialog.addEventListener("click", (event) => event.target === dialog && close());
    document.body.append(dialog);
    dialog.showModal();
    const first = dialog.querySelector(
      "[autofocus], .dialog-body input, .dialog-body select, .dialog-body .button-main",
    );
    if (first instanceof HTMLElement) first.focus();
  });
}

/**
 * A form that sends, shows the refusal inside itself and stays open, or closes when it worked.
 * @param {string} verb
 * @param {(Node | null | false)[]} fields
 * @param {(data: FormData) => Promise<unknown>} act raises what the service refused
 * @param {() => void} close
 * @param {string} [look]
 */
export function actForm(verb, fields, act, close, look = "button-main") {
  const error = el("p", { class: "form-error", role: "alert", hidden: true });
  const submit = el("button", { class: `button ${look}`, type: "submit" }, verb);
  const form = el(
    "form",
    {
      class: "form",
      onsubmit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        error.hidden = true;
        submit.disabled = true;
        submit.dataset.busy = "";
        try {
          await act(new FormData(form));
          close();
        } catch (problem) {
          error.textContent = problem instanceof Error ? problem.message : String(problem);
          error.hidden = false;
          error.scrollIntoView({ block: "nearest" });
        } finally {
          submit.disabled = false;
          delete submit.dataset.busy;
        }
      },
    },
    ...fields.filter(Boolean).map((field) => /** @type {Node} */ (field)),
    error,
    el(
      "div",
      { class: "dialog-foot" },
      el("button", { class: "button", type: "button", onclick: close }, "Back"),
      submit,
    ),
  );
  return form;
}

/**
 * A labelled field around an input, select or other control.
 * @param {string} label @param {Node} control @param {string} [hint]
 */
export function field(label, control, hint) {
  return el(
    "label",
    { class: "field" },
    el("span", {}, label),
    control,
    hint && el("small", {}, hint),
  );
}

/**
 * One of several, chosen by its word.
 * @param {string} name @param {[string, string][]} options value, word
 * @param {string | null} [chosen] @param {Object<string, any>} [more] attributes
 */
export function choice(name, options, chosen = null, more = {}) {
  return el(
    "select",
    { class: "input", name, ...more },
    options.map(([value, word]) => el("option", { value, selected: value === chosen }, word)),
  );
}

/**
 * The same around a control of several buttons, which no label may click.
 * @param {string} label @param {Node} control
 */
export function group(label, control) {
  return el("div", { class: "field" }, el("span", {}, label), control);
}

/**
 * − 6 +, with a hidden input of this name.
 * @param {string} name @param {number} value @param {number} least @param {number} most
 * @param {(value: number) => void} [onChange]
 */
export function stepper(name, value, least, most, onChange = () => {}) {
  let now = value;
  const input = el("input", { type: "hidden", name, value: String(now) });
  const output = el("output", {}, String(now));
  const step = (/** @type {number} */ by) => () => {
    now = Math.min(most, Math.max(least, now + by));
    output.textContent = input.value = String(now);
    onChange(now);
  };
  return el(
    "div",
    { class: "stepper", role: "group", "aria-label": name },
    el(
      "button",
      { class: "icon-button", type: "button", "aria-label": "One fewer", onclick: step(-1) },
      icon("minus"),
    ),
    output,
    el(
      "button",
      { class: "icon-button", type: "button", "aria-label": "One more", onclick: step(1) },
      icon("plus"),
    ),
    input,
  );
}

/**
 * Resolves to whether the person is sure.
 * @param {string} title @param {string} text @param {string} verb
 */
export async function askSure(title, text, verb) {
  let sure = false;
  await showDialog(title, (close) => [
    el(
      "div",
      { class: "form" },
      el("p", {}, text),
      el(
        "div",
        { class: "dialog-foot" },
        el("button", { class: "button", type: "button", autofocus: true, onclick: close }, "Back"),
        el(
          "button",
          {
            class: "button button-danger",
            type: "button",
            onclick: () => {
              sure = true;
              close();
            },
          },
          verb,
        ),
      ),
    ),
  ]);
  return sure;
}
