// @ts-check
/** People inside per floor, with a clicker for those without a code. */

import { send } from "../api.js";
import { el, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { crowds } from "../picture.js";
import { tellProblem } from "../toasts.js";

/** @typedef {import("../live.js").Live} Live */

const GATHER_MS = 350; // quick clicks travel as one change

export class Clicker {
  /** @param {HTMLElement} place @param {Live} live @param {() => string} door @param {boolean} may */
  constructor(place, live, door, may) {
    this.place = place;
    this.live = live;
    this.door = door;
    this.may = may;
    /** @type {Map<string, number>} clicks that are not sent yet */
    this.gathered = new Map();
    /** @type {Map<string, number>} commands under way per floor */
    this.sent = new Map();
    this.timer = 0;
  }

  draw() {
    if (!this.live.state) return;
    const all = crowds(this.live.state.document);
    if (this.place.children.length !== all.length)
      fill(
        this.place,
        all.map((crowd) => this.#row(crowd.name, crowd.word)),
      );
    all.forEach((crowd, index) => {
      const row = this.place.children[index];
      const meter = /** @type {Element} */ (row.querySelector(".crowd"));
      mark(meter, "data-level", crowd.level);
      mark(meter, "aria-valuenow", String(crowd.inside));
      mark(meter, "aria-valuemax", String(crowd.limit));
      write(
        meter.querySelector(".crowd-word"),
        { calm: crowd.word, warn: `▲ ${crowd.word}`, full: `■ ${crowd.word}: full` }[crowd.level],
      );
      write(meter.querySelector("b"), String(crowd.inside));
      write(meter.querySelector("b + span"), ` / ${crowd.limit}`);
      /** @type {HTMLElement} */ (meter.querySelector("i")).style.scale =
        `${Math.min(1, crowd.inside / crowd.limit).toFixed(3)} 1`;
      mark(
        row,
        "data-pending",
        this.gathered.has(crowd.name) || this.sent.get(crowd.name) ? "" : null,
      );
    });
  }

  /** @param {string} floor @param {string} word */
  #row(floor, word) {
    const house = floor === "house"; // a sum, not a place that one walks into
    const button = (
      /** @type {number} */ change,
      /** @type {string} */ label,
      /** @type {string} */ name,
    ) =>
      this.may && !house
        ? el(
            "button",
            {
              class: "icon-button",
              type: "button",
              "aria-label": `${word}: ${label}`,
              onclick: () => this.#click(floor, change),
            },
            icon(name),
          )
        : !house && el("span", {});
    return el(
      "div",
      { class: "counter", "data-floor": floor },
      button(-1, "one out", "minus"),
      el(
        "div",
        { class: "crowd", role: "meter", "aria-label": word, "aria-valuemin": "0" },
        el(
          "div",
          { class: "crowd-line" },
          el("span", { class: "crowd-word" }),
          el("span", {}, el("b", {}), el("span", {})),
        ),
        el("div", { class: "crowd-bar" }, el("i", {})),
      ),
      button(1, "one in", "plus"),
    );
  }

  /** @param {string} floor @param {number} change */
  #click(floor, change) {
    this.gathered.set(floor, (this.gathered.get(floor) ?? 0) + change);
    navigator.vibrate?.(20);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#flush(), GATHER_MS);
    this.draw();
  }

  #flush() {
    const gathered = [...this.gathered].filter(([, change]) => change !== 0);
    this.gathered.clear();
    for (const [floor, change] of gathered) this.#send(floor, change);
    this.draw();
  }

  /** @param {string} floor @param {number} change */
  async #send(floor, change) {
    this.sent.set(floor, (this.sent.get(floor) ?? 0) + 1);
    try {
      const answer = await send("POST", "/v1/headcount", {
        night: this.live.state?.night,
        door: this.door(),
        floor,
        change,
      });
      await this.live.arrival(answer.version);
    } catch (error) {
      tellProblem(error, `${change > 0 ? "+" : ""}${change} ${floor} was not counted`);
    } finally {
      this.sent.set(floor, (this.sent.get(floor) ?? 1) - 1);
      this.draw();
    }
  }
}
