// @ts-check
/** The verdict as it fills the screen: a colour, a shape and a word, for two metres. */

import { byId, el, fill, svg } from "../elements.js";
import { icon } from "../icons.js";
import { FLOOR_WORD, partyText, tablesText } from "../words.js";

/**
 * @typedef {{verdict: "admit" | "wait" | "refuse", reason: string, title: string, instruction: string,
 *   name?: string | null, people?: number, party?: number | null, admitted?: number | null,
 *   left_to_enter?: number | null, tables?: number[], floor?: string | null, replayed?: boolean,
 *   direction?: string}} Verdict
 * @typedef {{onPeople: (people: number) => void, onAgain: () => void, onClose: () => void,
 *   onChecked: () => void,
 *   floorOf: (table: number) => string | null}} VerdictWiring
 */

/** How long each stays; a question and a doubt stay until somebody answers. */
const SHOWN_MS = { admit: 3500, refuse: 8000, wait: 12_000 };

/** Outlines on a grid of 100: tick in a circle, raised bar in a triangle, cross in an octagon. */
const SHAPES = {
  admit: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M28 52l15 16l30-34"],
  wait: ["M50 5L97 92H3z", "M50 36v28M50 75v4"],
  refuse: ["M31 4h38l27 27v38l-27 27H31L4 69V31z", "M33 33l34 34M67 33L33 67"],
  busy: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M50 26v26l16 12"],
};

/** @param {keyof typeof SHAPES} kind @param {string} [className] */
export function shape(kind, className = "") {
  const [outline, sign] = SHAPES[kind];
  return svg(
    "svg",
    { viewBox: "0 0 100 100", class: `${className} shape-${kind}`, "aria-hidden": "true" },
    svg("path", {
      d: outline,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": "7",
      "stroke-linejoin": "round",
    }),
    svg("path", {
      d: sign,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": "11",
      "stroke-linecap": "butt",
    }),
  );
}

export class VerdictFace {
  /** @param {VerdictWiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    this.place = byId("verdict");
    this.timer = 0;
    this.people = 1;
    this.most = 1;
    /** @type {Verdict | null} */
    this.shown = null;
    this.place.addEventListener("click", (event) => {
      const pressed = event.target instanceof Element && event.target.closest("button");
      if (!pressed && !this.asking && !this.checking) this.hide();
    });
  }

  /** Whether it waits for a number of people. */
  get asking() {
    return this.shown?.reason === "how_many";
  }

  /** Whether somebody has to look at the guest's ID first. */
  get checking() {
    return this.shown?.reason === "banned_name";
  }

  /** @param {Verdict} verdict */
  show(verdict) {
    clearTimeout(this.timer);
    this.shown = verdict;
    const doubt = verdict.reason === "unreachable";
    this.place.hidden = false;
    this.place.dataset.verdict =
      verdict.verdict === "admit" && verdict.direction === "out" ? "out" : verdict.verdict;
    this.place.dataset.reason = verdict.reason;
    const stays = this.asking || this.checking || doubt;
    const time = SHOWN_MS[verdict.verdict];
    const timer = stays ? null : el("i", { class: "verdict-timer" });
    if (timer) timer.style.animationDuration = `${time}ms`;
    fill(this.place, this.#face(verdict), this.#foot(verdict, doubt), timer);
    for (const drawn of this.place.querySelectorAll(".verdict-shape"))
      drawn.classList.remove(`shape-${verdict.verdict}`);
    if (!stays) this.timer = window.setTimeout(() => this.hide(), time);
  }

  hide() {
    clearTimeout(this.timer);
    if (!this.shown) return;
    this.shown = null;
    this.place.hidden = true;
    this.wiring.onClose();
  }

  /** Enter without a scan: lets in the number that is shown, or closes. */
  enter() {
    if (this.asking) this.wiring.onPeople(this.people);
    else this.hide();
  }

  /** @param {number} by */
  step(by) {
    if (!this.asking) return;
    this.people = Math.min(this.most, Math.max(1, this.people + by));
    const output = this.place.querySelector("output");
    if (output) output.textContent = String(this.people);
    const go = this.place.querySelector(".button-main");
    if (go) go.textContent = letIn(this.people, this.shown?.direction);
  }

  /** @param {Verdict} verdict */
  #face(verdict) {
    const tables = verdict.tables ?? [];
    const many = verdict.people && verdict.people > 1 ? ` × ${verdict.people}` : "";
    const count = verdict.party ? `${verdict.admitted ?? 0} of ${verdict.party} have come` : "";
    return el(
      "div",
      { class: "verdict-face" },
      shape(verdict.verdict, "verdict-shape"),
      el(
        "div",
        {},
        el("h1", { class: "verdict-word" }, verdict.title, verdict.verdict === "admit" ? many : ""),
        verdict.name &&
          el(
            "p",
            { class: "verdict-name" },
            verdict.name,
            verdict.party ? ` · ${partyText(verdict.party)}` : "",
          ),
        el(
          "p",
          { class: "verdict-more" },
          tables.length > 0 &&
            el("span", { class: "verdict-tables" }, tablesText(tables), this.#where(tables)),
          verdict.instruction,
        ),
        el(
          "p",
          { class: "verdict-small" },
          [count, verdict.replayed ? "answered before: nothing was counted again" : ""]
            .filter(Boolean)
            .join(" · "),
        ),
      ),
    );
  }

  /** The floor to send them to; the verdict's own floor is that of the door. @param {number[]} tables */
  #where(tables) {
    const floor = this.wiring.floorOf(tables[0]);
    return floor ? ` · ${FLOOR_WORD[floor] ?? floor}` : "";
  }

  /** @param {Verdict} verdict @param {boolean} doubt */
  #foot(verdict, doubt) {
    if (this.asking) {
      this.most = Math.max(1, verdict.left_to_enter ?? 1);
      this.people = this.most;
      return el(
        "div",
        { class: "verdict-foot" },
        el(
          "div",
          { class: "many", role: "group", "aria-label": "How many people" },
          el(
            "button",
            {
              class: "icon-button",
              type: "button",
              "aria-label": "One fewer",
              onclick: () => this.step(-1),
            },
            icon("minus"),
          ),
          el("output", {}, this.people),
          el(
            "button",
            {
              class: "icon-button",
              type: "button",
              "aria-label": "One more",
              onclick: () => this.step(1),
            },
            icon("plus"),
          ),
        ),
        el(
          "button",
          { class: "button button-main", type: "button", onclick: () => this.enter() },
          letIn(this.people, verdict.direction),
        ),
        el("button", { class: "button", type: "button", onclick: () => this.hide() }, "Not now"),
      );
    }
    return el(
      "div",
      { class: "verdict-foot" },
      doubt &&
        el(
          "button",
          { class: "button button-main", type: "button", onclick: () => this.wiring.onAgain() },
          "Try again",
        ),
      this.checking &&
        el(
          "button",
          { class: "button button-main", type: "button", onclick: () => this.wiring.onChecked() },
          "ID seen: somebody else",
        ),
      el(
        "button",
        { class: "button", type: "button", onclick: () => this.hide() },
        doubt || this.checking ? "Close" : "Next",
      ),
    );
  }
}

/** @param {number} people @param {string | undefined} direction */
function letIn(people, direction) {
  return direction === "out" ? `Let ${people} out` : `Let ${people} in`;
}
