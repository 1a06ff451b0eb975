// @ts-check
/**
 * A floor's picture from its SVG text.
 *
 * The text is parsed as XML under the Trusted Types policy `backroom`, the only one of these
 * pages, and then *copied* node by node: only shapes, texts and harmless attributes come over, so
 * that even a drawing which was tampered with can bring neither script nor style nor address.
 */

const SVG = "http://www.w3.org/2000/svg";
const SHAPES = new Set([
  "svg",
  "g",
  "path",
  "rect",
  "circle",
  "ellipse",
  "line",
  "polyline",
  "polygon",
  "text",
  "tspan",
  "title",
  "desc",
]);
const ATTRIBUTES = new Set([
  "id",
  "class",
  "role",
  "tabindex",
  "transform",
  "viewBox",
  "d",
  "points",
  "x",
  "y",
  "width",
  "height",
  "cx",
  "cy",
  "r",
  "rx",
  "ry",
  "x1",
  "y1",
  "x2",
  "y2",
  "text-anchor",
  "font-size",
]);

/** @type {{createHTML: (text: string) => any}} */
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("backroom", {
  createHTML: (/** @type {string} */ text) => {
    if (!text.startsWith("<svg")) throw new TypeError("Only a drawing is parsed");
    return text;
  },
}) ?? { createHTML: (text) => text };

/**
 * The drawing as an element that may be put into the page. Raises TypeError: it is not a drawing.
 * @param {string} text @returns {SVGSVGElement}
 */
export function drawingOf(text) {
  const parsed = new DOMParser().parseFromString(policy.createHTML(text), "image/svg+xml");
  const copied = copy(parsed.documentElement);
  if (!(copied instanceof SVGSVGElement)) throw new TypeError("The floor's drawing cannot be read");
  return copied;
}

/** @param {Element} from @returns {SVGElement | null} */
function copy(from) {
  if (from.namespaceURI !== SVG || !SHAPES.has(from.localName)) return null;
  const to = /** @type {SVGElement} */ (document.createElementNS(SVG, from.localName));
  for (const { name, value } of from.attributes) {
    if (ATTRIBUTES.has(name) || name.startsWith("data-") || name.startsWith("aria-")) {
      to.setAttribute(name, value);
    }
  }
  for (const child of from.childNodes) {
    const made =
      child instanceof Element ? copy(child) : child.nodeType === 3 ? child.nodeValue : null;
    if (made !== null && made !== "") to.append(/** @type {any} */ (made));
  }
  return to;
}
