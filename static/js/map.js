// @ts-check
/**
 * The floors as pictures with living tables. Draws from pictures of tables alone, and tells its
 * owner when a table is chosen, by pointer or by keyboard: arrows walk to the nearest table.
 */

import { drawingOf } from "./drawing.js";
import { el, mark, svg, write } from "./elements.js";
import { floorText } from "./floors.js";

/**
 * @typedef {import("./picture.js").TablePicture} TablePicture
 * @typedef {{onChoose: (number: number) => void, onDrop?: (from: number, to: number) => void,
 *   mayDrag?: (number: number) => boolean}} MapWiring
 */

const DRAG_PX = 10; // less is a click with an unsteady hand

/**
 * Where the writing stands on a table with a party: mark and number share the first line, then
 * status, name and arrivals. Baselines and sizes in cm about the writing's centre.
 */
const WITH_PARTY = {
  horseshoe: {
    number: [-21, 50],
    status: [8, 25],
    party: [37, 28],
    arrivals: [65, 26],
    glyph: -38,
  },
  round: { number: [-25, 42], status: [0, 23], party: [27, 25], arrivals: [51, 24], glyph: -40 },
};
const BADGE_CM = { height: 40, letter: 15.5, padding: 15 };

export class FloorMap {
  /**
   * @param {HTMLElement} place
   * @param {Object<string, string>} drawings SVG text by floor
   * @param {{name: string, title: string}[]} floors
   * @param {MapWiring} wiring
   */
  constructor(place, drawings, floors, wiring) {
    this.wiring = wiring;
    /** @type {Map<number, SVGElement>} */
    this.tables = new Map();
    this.place = place;
    for (const floor of floors) {
      const drawing = drawingOf(drawings[floor.name]);
      const caption = el("figcaption", { class: "floor-caption" }, floorText(floor));
      const figure = { class: "floor-figure", "data-floor": floor.name };
      place.append(el("figure", figure, caption, drawing));
      for (const table of /** @type {NodeListOf<SVGElement>} */ (
        drawing.querySelectorAll(".table")
      )) {
        const number = Number(table.dataset.number);
        this.tables.set(number, table);
        prepare(table);
        table.addEventListener("click", () => this.dragged || wiring.onChoose(number));
        if (wiring.onDrop) this.#offerDrag(table, number);
      }
    }
    this.dragged = false;
    this.#roam([...this.tables.keys()][0]);
    place.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Draws every table that differs. @param {Iterable<TablePicture>} pictures */
  draw(pictures) {
    for (const picture of pictures) {
      const table = this.tables.get(picture.number);
      if (!table) continue;
      mark(table, "data-status", picture.status);
      mark(table, "data-late", picture.late ? "" : null);
      mark(table, "data-urgent", picture.urgent ? "" : null);
      mark(table, "aria-label", picture.spoken);
      write(table.querySelector(".table-status"), picture.word);
      write(table.querySelector(".table-party"), picture.party);
      write(table.querySelector(".table-arrivals"), picture.arrivals);
      place(table, picture.party !== "");
      drawBadge(table, picture.badge);
    }
  }

  /**
   * Sets a mark on some tables and takes it from all others: `selected`, `pending`, `target`.
   * @param {string} name @param {Iterable<number>} numbers
   */
  note(name, numbers) {
    const chosen = new Set(numbers);
    for (const [number, table] of this.tables) {
      mark(table, `data-${name}`, chosen.has(number) ? "" : null);
    }
  }

  /** @param {number} number */
  focus(number) {
    this.#roam(number);
    this.tables.get(number)?.focus();
  }

  /** Only one table is a tab stop; the arrows move it. @param {number} number */
  #roam(number) {
    for (const [other, table] of this.tables)
      mark(table, "tabindex", other === number ? "0" : "-1");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const from = /** @type {SVGElement | null} */ (
      event.target instanceof Element ? event.target.closest(".table") : null
    );
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    if (direction) {
      event.preventDefault();
      const to = this.#nearest(from, direction[0], direction[1]);
      if (to) this.focus(to);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.wiring.onChoose(Number(from.dataset.number));
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.focus(
        event.key === "Home" ? Math.min(...this.tables.keys()) : Math.max(...this.tables.keys()),
      );
    }
  }

  /** @param {SVGElement} from @param {number} dx @param {number} dy @returns {number | null} */
  #nearest(from, dx, dy) {
    const start = centre(from);
    let best = null;
    let bestCost = Infinity;
    for (const [number, table] of this.tables) {
      const { x, y, width } = centre(table);
      if (table === from || width === 0) continue;
      const ahead = (x - start.x) * dx + (y - start.y) * dy;
      const aside = Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx);
      if (ahead < 8 || aside > 2.2 * ahead) continue;
      const cost = ahead + 1.8 * aside;
      if (cost < bestCost) [best, bestCost] = [number, cost];
    }
    return best;
  }

  /** Dragging a party to another table, with a mouse or pen. @param {SVGElement} table @param {number} number */
  #offerDrag(table, number) {
    table.addEventListener("pointerdown", (down) => {
      this.dragged = false;
      if (down.pointerType === "touch" || down.button !== 0 || !this.wiring.mayDrag?.(number))
        return;
      const ghost = el("div", { class: "drag-ghost", hidden: true }, `T${number}`);
      document.body.append(ghost);
      let over = 0;
      const move = (/** @type {PointerEvent} */ event) => {
        if (
          !this.dragged &&
          Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < DRAG_PX
        )
          return;
        this.dragged = true;
        ghost.hidden = false;
        ghost.style.translate = `${event.clientX + 14}px ${event.clientY + 14}px`;
        const below = document.elementFromPoint(event.clientX, event.clientY)?.closest(".table");
        over = Number(/** @type {SVGElement | null} */ (below ?? null)?.dataset.number ?? 0);
        this.note("target", over && over !== number ? [over] : []);
      };
      const end = () => {
        document.removeEventListener("pointermove", move);
        ghost.remove();
        this.note("target", []);
        if (this.dragged && over && over !== number) this.wiring.onDrop?.(number, over);
        setTimeout(() => (this.dragged = false));
      };
      document.addEventListener("pointermove", move);
      document.addEventListener("pointerup", end, { once: true });
      document.addEventListener("pointercancel", end, { once: true });
    });
  }
}

/** Adds what the view needs to a table of the drawing. @param {SVGElement} table */
function prepare(table) {
  table
    .querySelector(".table-party")
    ?.after(svg("text", { class: "table-arrivals", "text-anchor": "middle" }));
  const turned = table.querySelector(".table-furniture")?.getAttribute("transform") ?? "";
  const outline = table.querySelector(".table-shape");
  if (outline) {
    const ring = /** @type {Element} */ (outline.cloneNode());
    ring.setAttribute("class", "table-ring");
    table.prepend(svg("g", { transform: turned }, ring));
  }
  // The drawing's corner lies inside the outline, by 14 cm or by a share of a ring's height; a
  // badge sits in the middle of the upper edge, where no writing is.
  const corner = table.querySelector(".table-corner");
  const inside = Number(/(-?[\d.]+)\)$/.exec(corner?.getAttribute("transform") ?? "")?.[1] ?? -80);
  const edge = table.querySelector(".table-rim") ? inside * (0.5 / 0.36) : inside - 14;
  corner?.setAttribute("transform", `translate(0 ${edge})`);
  table
    .querySelector(".table-badge-plate")
    ?.replaceWith(svg("rect", { class: "table-badge-plate" }));
  for (const text of table.querySelectorAll(".table-number, .table-status, .table-party")) {
    text.setAttribute("data-y", text.getAttribute("y") ?? "0");
    text.setAttribute("data-size", text.getAttribute("font-size") ?? "26");
  }
  const glyph = table.querySelector(".table-glyph");
  glyph?.setAttribute("data-transform", glyph.getAttribute("transform") ?? "");
}

/** Makes room for a party's lines, or gives the number its place back. @param {SVGElement} table @param {boolean} party */
function place(table, party) {
  if (table.hasAttribute("data-lines") === party) return;
  mark(table, "data-lines", party ? "" : null);
  const room = WITH_PARTY[table.querySelector(".table-rim") ? "round" : "horseshoe"];
  const wide = Number(table.dataset.number) > 9;
  for (const name of /** @type {const} */ (["number", "status", "party", "arrivals"])) {
    const text = table.querySelector(`.table-${name}`);
    const [y, size] = party
      ? room[name]
      : [text?.getAttribute("data-y"), text?.getAttribute("data-size")];
    if (!text || y === null || y === undefined) continue;
    text.setAttribute("y", String(y));
    text.setAttribute("font-size", String(size));
    if (name === "number") text.setAttribute("x", party ? "17" : "0");
  }
  const glyph = table.querySelector(".table-glyph");
  mark(
    /** @type {Element} */ (glyph),
    "transform",
    party
      ? `translate(${wide ? -33 : -21} ${room.glyph}) scale(0.9)`
      : glyph?.getAttribute("data-transform"),
  );
}

/** A pill as wide as its text. @param {SVGElement} table @param {string} text */
function drawBadge(table, text) {
  const badge = table.querySelector(".table-badge");
  const plate = table.querySelector(".table-badge-plate");
  if (!badge || !plate || badge.textContent === text) return;
  write(badge, text);
  const width = text.length * BADGE_CM.letter + 2 * BADGE_CM.padding;
  mark(plate, "x", String(-width / 2));
  mark(plate, "y", String(-BADGE_CM.height / 2));
  mark(plate, "width", String(width));
  mark(plate, "height", String(BADGE_CM.height));
  mark(table, "data-badge", text ? "" : null);
}

/** @param {Element} element */
function centre(element) {
  const box = element.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width };
}
