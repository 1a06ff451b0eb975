// @ts-check
/** Building the page from nodes and texts; never from strings of HTML. */

/**
 * @typedef {Node | string | number | null | undefined | false | any[]} Child
 * @typedef {Object<string, any>} Attributes
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes, listeners (`onclick: fn`) and children.
 * `class` and `data-*` are attributes; false, null and undefined leave one out; true sets it bare.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes] @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  element.append(.../** @type {any} */ (kept(children)));
  return element;
}

/** @param {string} tag @param {Attributes} [attributes] @param {...Child} children */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  dress(element, attributes);
  element.append(.../** @type {any} */ (kept(children)));
  return element;
}

/** Replaces what is inside. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren(.../** @type {any} */ (kept(children)));
}

/**
 * Replaces what is inside; the focus stays on what has the same `data-focus`, and goes to `otherwise`
 * when that is gone: whoever works by keyboard is not thrown back to the top of the page.
 * @param {Element} parent @param {Element[]} children @param {HTMLElement} [otherwise]
 */
export function refill(parent, children, otherwise) {
  const had = parent.contains(document.activeElement)
    ? document.activeElement?.getAttribute("data-focus")
    : null;
  parent.replaceChildren(...children);
  if (had === null || had === undefined) return;
  const same = /** @type {HTMLElement[]} */ ([...parent.querySelectorAll("[data-focus]")]).find(
    (one) => one.dataset.focus === had,
  );
  (same ?? otherwise)?.focus({ preventScroll: same !== undefined });
}

/** Writes a text only when it differs, so that nothing is announced or laid out for nothing.
 * @param {Element | null} element @param {string} text */
export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Sets or takes away an attribute, only when it differs.
 * @param {Element} element @param {string} name @param {string | null | false | undefined} value */
export function mark(element, name, value) {
  if (value === null || value === false || value === undefined) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== value) {
    element.setAttribute(name, value);
  }
}

/** A term and what is true of it, for a `dl`. @param {string} term @param {string} value */
export function fact(term, value) {
  return [el("dt", {}, term), el("dd", {}, value)];
}

/**
 * The element with this id; a page without it is a bug.
 * @param {string} id @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** @param {Element} element @param {Attributes} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Child[]} children */
function kept(children) {
  return children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}
