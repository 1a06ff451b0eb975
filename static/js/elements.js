// @ts-check
/** Building the page from nodes and texts; never from strings of HTML. */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Object<string, any>} Attributes
 */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with attributes, listeners (`onclick: fn`) and children.
 * `class` and `data-*` are attributes; false, null and undefined leave one out; true sets it bare.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Attributes} [attributes] @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, attributes);
  element.append(.../** @type {any} */ (kept(children)));
  return element;
}

/** @param {string} tag @param {Attributes} [attributes] @param {...(Child | Child[])} children */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  dress(element, attributes);
  element.append(.../** @type {any} */ (kept(children)));
  return element;
}

/** Replaces what is inside. @param {Element} parent @param {...(Child | Child[])} children */
export function fill(parent, ...children) {
  parent.replaceChildren(.../** @type {any} */ (kept(children)));
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

/**
 * The element with this id; a page without it is a bug.
 * @param {string} id @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** @param {string} name of a symbol in the page's icons @param {string} [label] */
export function icon(name, label) {
  const use = svg("path", { d: ICONS[name] });
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 24 24", "aria-hidden": label ? null : "true", "aria-label": label },
    use,
  );
}

/** Strokes on a grid of 24, in the deco manner: straight lines and quarter circles. */
const ICONS = /** @type {Object<string, string>} */ ({
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
  people: "M9 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6M3 20c0-4 3-6 6-6s6 2 6 6M16 5.5a3 3 0 0 1 0 5.5M17 14c2.500 .6 4 2.600 4 6",
  map: "M4 4h7v7H4zM13 4h7v4h-7zM13 10h7v10h-7zM4 13h7v7H4z",
  list: "M8 6h13M8 12h13M8 18h13M3 6h.01M3 12h.01M3 18h.01",
  feed: "M3 12h4l3-8l4 16l3-8h4",
  leave: "M10 4H4v16h6M14 8l4 4l-4 4M9 12h9",
  door: "M6 21V9a6 6 0 0 1 12 0v12M3 21h18M14.500 14h.01",
});

/** @param {Element} element @param {Attributes} attributes */
function dress(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") /** @type {HTMLInputElement} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {(Child | Child[])[]} children */
function kept(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (typeof child === "number" ? String(child) : child));
}
