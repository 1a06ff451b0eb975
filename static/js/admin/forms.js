// @ts-check
/** Dialogs that ask and send. A refusal stands beside the field that it is about; nothing is lost. */

import { Problem } from "../api.js";
import { choice, showDialog } from "../dialog.js";
import { el, mark } from "../elements.js";

/**
 * @typedef {import("../elements.js").Child} Child
 * @typedef {{
 *   beside?: Object<string, string>, look?: string, back?: string,
 *   changed?: (form: HTMLFormElement) => void,
 * }} FormOptions `beside`: reason of a refusal to the name of the field that it is about
 */

/**
 * Asks in a dialog; resolves to what `act` answered, or to null when the dialog was closed.
 * @param {string} title @param {string} verb @param {Child[]} fields
 * @param {(data: FormData) => Promise<any>} act raises what the service refused
 * @param {FormOptions} [options] @returns {Promise<any>}
 */
export async function askForm(title, verb, fields, act, options = {}) {
  /** @type {any} */
  let answer = null;
  await showDialog(title, (close) => [
    formOf(
      verb,
      fields,
      async (data) => {
        answer = (await act(data)) ?? true;
        close();
      },
      options,
      el(
        "button",
        {
          class: "button",
          type: "button",
          onclick: close,
          autofocus: options.look === "button-danger" && !fields.flat().some(takesText),
        },
        options.back ?? "Back",
      ),
    ),
  ]);
  return answer;
}

/** @param {Child} child */
function takesText(child) {
  return child instanceof Element && child.querySelector("input, select, textarea") !== null;
}

/**
 * A form that sends once at a time.
 * @param {string} verb @param {Child[]} fields @param {(data: FormData) => Promise<any>} act
 * @param {FormOptions} [options] @param {Child} [beforeVerb]
 */
export function formOf(verb, fields, act, options = {}, beforeVerb = null) {
  const error = el("p", { class: "form-error", role: "alert", hidden: true });
  const submit = el(
    "button",
    { class: `button ${options.look ?? "button-main"}`, type: "submit" },
    verb,
  );
  const form = el(
    "form",
    {
      class: "form",
      oninput: (/** @type {Event} */ event) => {
        if (event.target instanceof Element) clear(event.target);
        options.changed?.(form);
      },
      onsubmit: async (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        if (submit.disabled) return;
        error.hidden = true;
        form.querySelectorAll("[aria-invalid]").forEach(clear);
        submit.disabled = true;
        submit.dataset.busy = "";
        try {
          await act(new FormData(form));
        } catch (problem) {
          if (!showBeside(form, problem, options.beside ?? {})) {
            error.textContent = problem instanceof Error ? problem.message : String(problem);
            mark(error, "data-reason", problem instanceof Problem ? problem.reason : null);
            error.hidden = false;
            error.scrollIntoView({ block: "nearest" });
          }
        } finally {
          submit.disabled = false;
          delete submit.dataset.busy;
        }
      },
    },
    fields,
    error,
    el("div", { class: "dialog-foot" }, beforeVerb, submit),
  );
  options.changed?.(form);
  return form;
}

/**
 * The refusal's own sentence under the field that it names. False: it names none.
 * @param {HTMLFormElement} form @param {unknown} problem @param {Object<string, string>} beside
 */
function showBeside(form, problem, beside) {
  if (!(problem instanceof Problem)) return false;
  const place = String(problem.fields.place ?? "").replace(/^\$\./, "");
  const control = form.elements.namedItem(beside[problem.reason] ?? place);
  if (!(control instanceof HTMLElement)) return false;
  const words = el(
    "p",
    {
      class: "field-error",
      role: "alert",
      id: `${control.getAttribute("name")}-error`,
      "data-reason": problem.reason,
    },
    problem.message,
  );
  (control.closest("div.field") ?? form).append(words);
  control.setAttribute("aria-invalid", "true");
  const hint = control.getAttribute("aria-describedby");
  control.setAttribute("aria-describedby", [words.id, hint].filter(Boolean).join(" "));
  control.focus();
  return true;
}

/** @param {Element} control */
function clear(control) {
  if (!control.hasAttribute("aria-invalid")) return;
  control.removeAttribute("aria-invalid");
  const described = (control.getAttribute("aria-describedby") ?? "").split(" ");
  mark(control, "aria-describedby", described.slice(1).join(" ") || null); // the error came first
  control.closest("div.field")?.querySelector(".field-error")?.remove();
}

/**
 * A control with its label; the hint describes it and is no part of its name.
 * @param {string} label @param {HTMLElement} control @param {string} [hint]
 */
function field(label, control, hint = "") {
  const id = `${control.getAttribute("name") ?? label}-hint`;
  if (hint) control.setAttribute("aria-describedby", id);
  return el(
    "div",
    { class: "field" },
    el("label", { class: "field" }, el("span", {}, label), control),
    hint && el("small", { id }, hint),
  );
}

/** @param {string} label @param {string} name @param {Object<string, any>} [more] @param {string} [hint] */
export function textField(label, name, more = {}, hint = "") {
  return field(label, el("input", { class: "input", name, ...more }), hint);
}

/**
 * @param {string} label @param {string} name @param {[string, string][]} options value, word
 * @param {string} [chosen] @param {string} [hint] @param {Object<string, any>} [more]
 */
export function choiceField(label, name, options, chosen = "", hint = "", more = {}) {
  return field(label, choice(name, options, chosen, more), hint);
}

/** What was typed, without the blanks around it; null: nothing. @param {FormData} data @param {string} name */
export function typed(data, name) {
  return String(data.get(name) ?? "").trim() || null;
}

/**
 * Something that is shown once, to be handed on: with a button that copies it.
 * @param {string} label @param {string} text
 */
export function copyField(label, text) {
  const input = el("input", {
    class: "input copy-text",
    readonly: true,
    value: text,
    spellcheck: "false",
    onfocus: () => input.select(),
  });
  const button = el(
    "button",
    {
      class: "button button-main",
      type: "button",
      onclick: async () => {
        try {
          await navigator.clipboard.writeText(text);
          button.textContent = "Copied";
        } catch {
          input.focus(); // without the right to the clipboard: marked, so that the keyboard copies it
          button.textContent = "Marked: press Ctrl+C";
        }
      },
    },
    "Copy",
  );
  return el("div", { class: "copy" }, field(label, input), button);
}
