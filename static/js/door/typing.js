// @ts-check
/**
 * The one input of the door: a wedge scanner types into it wherever the focus is, a thumb types a
 * reference, which is told at once when it is wrong, or a name, which finds the party.
 */

import { byId, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { kindOf, missing } from "./reference.js";

/**
 * @typedef {{onRead: (text: string) => void, onName: (name: string) => void,
 *   onNameChange: (name: string) => void, onEnter: () => void, onEscape: () => void,
 *   onArrow: (by: number) => boolean, onTouch: () => void}} TypingWiring
 *   `onArrow` says whether the key meant something.
 */

const ARROWS = new Map([
  ["ArrowUp", 1],
  ["ArrowRight", 1],
  ["ArrowDown", -1],
  ["ArrowLeft", -1],
]);

export class Typing {
  /** @param {TypingWiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    this.input = /** @type {HTMLInputElement} */ (byId("input"));
    byId("scan").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener("input", () => this.#dress());
    document.addEventListener("keydown", (event) => this.#key(event), true);
    document.addEventListener("pointerup", (event) => {
      wiring.onTouch();
      const target = event.target instanceof Element ? event.target : null;
      if (!target?.closest("select, dialog")) setTimeout(() => this.focus());
    });
    this.#offerKeyboard();
    this.focus();
  }

  /** A dialog that a button just opened keeps its own focus. */
  focus() {
    if (!document.querySelector("dialog[open]")) this.input.focus({ preventScroll: true });
  }

  clear() {
    this.input.value = "";
    this.#dress();
  }

  #submit() {
    const text = this.input.value;
    const kind = kindOf(text);
    if (kind === "empty") return this.wiring.onEnter();
    // What is wrong already stays to be mended: the guest's reference is typed once, not twice.
    if (kind === "slip" || kind === "unfinished") return this.#complain(kind, text);
    if (kind === "name") return this.wiring.onName(text.trim());
    this.clear();
    this.wiring.onRead(text);
  }

  /** Capitals, the count of what is missing, and the slip, while it is typed. */
  #dress() {
    const text = this.input.value;
    const kind = kindOf(text);
    const reference = kind === "reference" || kind === "unfinished" || kind === "slip";
    mark(this.input, "data-reference", reference ? "" : null);
    mark(this.input, "aria-invalid", kind === "slip" ? "true" : null);
    mark(byId("input-says"), "data-kind", kind);
    write(byId("input-says"), saying(kind, text));
    this.wiring.onNameChange(kind === "name" ? text.trim() : "");
  }

  /** @param {import("./reference.js").Kind} kind @param {string} text */
  #complain(kind, text) {
    mark(this.input, "aria-invalid", "true");
    write(byId("input-says"), kind === "unfinished" ? `${missing(text)} more to come` : saying(kind, text));
    navigator.vibrate?.([60, 60, 60]);
    this.input.select();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    this.wiring.onTouch();
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      this.clear();
      return this.wiring.onEscape();
    }
    const arrow = ARROWS.get(event.key);
    if (arrow && !this.input.value && this.wiring.onArrow(arrow)) return event.preventDefault();
    if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = document.activeElement;
    if (at !== this.input && !(at instanceof HTMLSelectElement)) this.input.focus();
  }

  /** The screen's own keyboard comes only when it is asked for: it covers half of a phone. */
  #offerKeyboard() {
    const button = byId("keyboard");
    fill(button, icon("keyboard"), "Type");
    button.addEventListener("click", () => this.#type(this.input.inputMode !== "text"));
  }

  /** For a name or a reference, with the screen's own keyboard. */
  openKeyboard() {
    this.#type(true);
  }

  /** @param {boolean} typing */
  #type(typing) {
    this.input.inputMode = typing ? "text" : "none";
    this.input.placeholder = typing ? "Reference or name" : "Scan a code";
    mark(byId("keyboard"), "aria-pressed", String(typing));
    this.input.blur();
    this.input.focus();
  }
}

/** @param {import("./reference.js").Kind} kind @param {string} text */
function saying(kind, text) {
  if (kind === "slip") return "✕ One character is wrong: read it again";
  if (kind === "reference") return "✓ Complete";
  if (kind === "unfinished") return `${missing(text)} more`;
  return "";
}
