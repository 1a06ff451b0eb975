// @ts-check
/** The verdict as it fills the screen: a colour, a shape and a word, for two metres. */

import { byId, el, fill, svg } from "../elements.js";
import { icon } from "../icons.js";
import { timeText } from "../venue-clock.js";
import { partyText, tablesText } from "../words.js";
import { asksPeople, offers } from "./steps.js";

/**
 * @typedef {{verdict: "admit" | "wait" | "refuse", reason: string, title: string, instruction: string,
 *   scan_id?: string, name?: string | null, people?: number, party?: number | null,
 *   admitted?: number | null, gone?: number | null, left_to_enter?: number | null,
 *   tables?: number[], floor?: string | null, replayed?: boolean, direction?: string,
 *   tell?: string, steps?: string[], guest_number?: number | null,
 *   seen?: {at: string, door: string, by: string | null, seconds: number} | null,
 *   capacity?: {floor: string, here: Room, house: Room, may_enter: number} | null,
 *   warnings?: {reason: string, text: string}[], held_by?: {door: string, seconds: number | null} | null,
 *   send_to?: string | null, undone?: Object<string, any> | null,
 *   overridden_by?: string | null, offline?: boolean}} Verdict
 * @typedef {{inside: number, limit: number, free: number}} Room
 * @typedef {{onPeople: (people: number) => void, onAct: (act: import("./steps.js").Act) => void,
 *   onClose: () => void, where: (tables: number[]) => string, doorName: (id: string) => string,
 *   byWhom: (actor: string) => string}} VerdictWiring
 */

/** How long each stays; a question and a doubt stay until somebody answers. */
const SHOWN_MS = { admit: 3500, refuse: 8000, wait: 12_000 };
const PIPS_MAX = 20;
// A thumb on its way to the verdict before, or a scanner that ends a code with two line ends, must
// not answer a question that nobody has read yet.
const FRESH_MS = 300;

/** Outlines on a grid of 100: tick in a circle, raised bar in a triangle, cross in an octagon. */
const SHAPES = {
  admit: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M28 52l15 16l30-34"],
  wait: ["M50 5L97 92H3z", "M50 36v28M50 75v4"],
  refuse: ["M31 4h38l27 27v38l-27 27H31L4 69V31z", "M33 33l34 34M67 33L33 67"],
  out: ["M50 4a46 46 0 1 1 0 92a46 46 0 1 1 0-92z", "M26 50h42M52 30l20 20l-20 20"],
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
    this.freshTimer = 0;
    this.people = 1;
    this.most = 1;
    /** @type {Verdict | null} */
    this.shown = null;
    this.place.addEventListener("click", (event) => {
      const pressed = event.target instanceof Element && event.target.closest("button");
      if (!pressed && !this.stays) this.hide();
    });
  }

  /** What the eye, the ear and the hand are told. @returns {"admit" | "out" | "wait" | "refuse"} */
  get kind() {
    const shown = this.shown;
    if (!shown) return "wait";
    return shown.verdict === "admit" && shown.direction === "out" ? "out" : shown.verdict;
  }

  /** Whether it waits for a number of people. */
  get asking() {
    return this.shown !== null && asksPeople(this.shown);
  }

  /** Whether somebody has to answer it: then it does not go by itself. */
  get stays() {
    return this.asking || (this.shown !== null && offers(this.shown).some(({ main }) => main));
  }

  /** @param {Verdict} verdict */
  show(verdict) {
    clearTimeout(this.timer);
    this.shown = verdict;
    clearTimeout(this.freshTimer);
    this.place.dataset.fresh = "";
    this.freshTimer = window.setTimeout(() => delete this.place.dataset.fresh, FRESH_MS);
    this.place.hidden = false;
    this.place.dataset.verdict = this.kind;
    this.place.dataset.reason = verdict.reason;
    const { stays } = this;
    const time = SHOWN_MS[verdict.verdict];
    const timer = stays ? null : el("i", { class: "verdict-timer" });
    if (timer) timer.style.animationDuration = `${time}ms`;
    fill(this.place, this.#face(verdict), this.#foot(verdict), timer);
    for (const drawn of this.place.querySelectorAll(".verdict-shape"))
      drawn.classList.remove(`shape-${this.kind}`);
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
    if (this.shown && this.place.dataset.fresh !== undefined) return;
    if (this.asking) this.wiring.onPeople(this.people);
    else this.hide();
  }

  /** @param {number} by */
  step(by) {
    if (!this.asking) return;
    this.people = Math.min(this.most, Math.max(1, this.people + by));
    const output = this.place.querySelector("output");
    if (output) output.textContent = String(this.people);
    const go = this.place.querySelector(".button-people");
    if (go) go.textContent = letIn(this.people, this.shown?.direction);
  }

  /** @param {Verdict} verdict */
  #face(verdict) {
    const tables = verdict.tables ?? [];
    const many = verdict.people && verdict.people > 1 ? ` × ${verdict.people}` : "";
    const where = tables.length > 0 ? this.wiring.where(tables) : "";
    return el(
      "div",
      { class: "verdict-face" },
      shape(this.kind, "verdict-shape"),
      el(
        "div",
        {},
        el("h2", { class: "verdict-word" }, verdict.title, verdict.verdict === "admit" ? many : ""),
        verdict.name &&
          el(
            "p",
            { class: "verdict-name" },
            verdict.guest_number
              ? `${verdict.name}’s guest, ${verdict.guest_number} of ${verdict.party}`
              : verdict.name,
            !verdict.guest_number && verdict.party ? " · " : "",
            !verdict.guest_number && verdict.party
              ? el("span", { class: "verdict-party" }, partyText(verdict.party))
              : "",
          ),
        tables.length > 0 &&
          el("p", { class: "verdict-tables" }, tablesText(tables), where && ` · ${where}`),
        verdict.seen && el("p", { class: "verdict-seen" }, this.#seen(verdict.seen)),
        el("p", { class: "verdict-more" }, verdict.instruction),
        verdict.tell && el("p", { class: "verdict-tell" }, `“${verdict.tell}”`),
        pips(verdict),
        el("p", { class: "verdict-small" }, this.#small(verdict).join(" · ")),
        (verdict.warnings ?? []).map(({ text }) => el("p", { class: "verdict-caution" }, `▲ ${text}`)),
      ),
    );
  }

  /** The scan before: when, where, by whom. The time before this scan is no age, since a verdict is
   * looked at again later. @param {NonNullable<Verdict["seen"]>} seen */
  #seen(seen) {
    const { at, door, seconds } = seen;
    const by = seen.by ? this.wiring.byWhom(seen.by) : "";
    const before = seconds < 120 ? `${seconds}\u00a0s` : `${Math.floor(seconds / 60)}\u00a0min`;
    return `Scanned ${timeText(at)} at ${this.wiring.doorName(door)}${by && ` by ${by}`}, ${before} before`;
  }

  /** Counts, and what became of it since. @param {Verdict} verdict */
  #small(verdict) {
    const { party, gone } = verdict;
    return [
      party && typeof verdict.admitted === "number" ? `${verdict.admitted} of ${party} have come` : "",
      gone ? `${gone} out at present` : "",
      verdict.undone ? "taken back since" : "",
      verdict.overridden_by ? "overridden since" : "",
      verdict.offline ? "by this tablet itself" : "",
      verdict.replayed ? "answered before: nothing was counted again" : "",
    ].filter((one) => typeof one === "string" && one !== "");
  }

  /** @param {Verdict} verdict */
  #foot(verdict) {
    const buttons = offers(verdict).map(({ act, label, main }) =>
      el(
        "button",
        {
          class: `button ${main ? "button-main" : ""}`, type: "button", "data-act": act,
          onclick: () => this.wiring.onAct(act),
        },
        label,
      ),
    );
    const word = this.asking ? "Not now" : this.stays ? "Close" : "Next";
    const away = el(
      "button", { class: "button", type: "button", onclick: () => this.hide() }, word,
    );
    if (!this.asking) return el("div", { class: "verdict-foot" }, buttons, away);
    this.most = Math.max(1, verdict.left_to_enter ?? 1);
    this.people = this.most;
    return el(
      "div",
      { class: "verdict-foot" },
      el(
        "div",
        { class: "many", role: "group", "aria-label": "How many people" },
        this.#step(-1, "One fewer", "minus"),
        el("output", {}, this.people),
        this.#step(1, "One more", "plus"),
      ),
      el(
        "button",
        { class: "button button-main button-people", type: "button", onclick: () => this.enter() },
        letIn(this.people, verdict.direction),
      ),
      buttons,
      away,
    );
  }

  /** @param {number} by @param {string} label @param {string} sign */
  #step(by, label, sign) {
    return el(
      "button",
      { class: "icon-button", type: "button", "aria-label": label, onclick: () => this.step(by) },
      icon(sign),
    );
  }
}

/** One mark for each guest of the party, filled for those who have come. @param {Verdict} verdict */
function pips(verdict) {
  const { party, admitted } = verdict;
  if (!party || party < 2 || party > PIPS_MAX || admitted === null || admitted === undefined)
    return null;
  return el(
    "p",
    { class: "pips", "aria-hidden": "true" },
    Array.from({ length: party }, (_, number) =>
      el("i", { class: number < admitted ? "pip pip-in" : "pip" }),
    ),
  );
}

/** @param {number} people @param {string | undefined} direction */
function letIn(people, direction) {
  return direction === "out" ? `Let ${people} out` : `Let ${people} in`;
}
