// @ts-check
/** Scans of devices whose token was over: a manager says what they were. */

import { read } from "../api.js";
import { el } from "../elements.js";
import { tell } from "../toasts.js";
import { nightText } from "../venue-clock.js";
import { capital, partyText, referenceText } from "../words.js";
import { askForm, choiceField, textField, typed } from "./forms.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { ACCEPT_WORD, DISMISS_WORD } from "./says.js";
import { whenText } from "./when.js";

export class Quarantine {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
    this.state = "waiting";
  }

  async load() {
    const [found] = await Promise.all([
      read(`/v1/quarantine?state=${this.state}`),
      this.desk.learnNames(),
    ]);
    return { state: this.state, scans: found.scans };
  }

  /** @param {{scans: any[]}} found */
  draw({ scans }) {
    return [this.#switch(), scans.length ? this.#list(scans) : this.#empty()];
  }

  #switch() {
    /** @param {string} state @param {string} words */
    const button = (state, words) =>
      el(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.state === state),
          "data-key": `state:${state}`,
          onclick: () => {
            this.state = state;
            return this.desk.refresh();
          },
        },
        words,
      );
    return el(
      "div",
      { class: "segments section-switch", role: "group", "aria-label": "Which scans" },
      button("waiting", "Waiting"),
      button("all", "All"),
    );
  }

  #empty() {
    return this.state === "waiting"
      ? nothing("Nothing waits", "A scan stands here when a device sends it after it was revoked.")
      : nothing("Nothing was ever kept", "No revoked device has sent a scan.");
  }

  /** @param {any[]} scans */
  #list(scans) {
    return tableOf(
      "Scans in quarantine",
      [
        {
          title: "Device",
          cell: (one) => named(one.device, this.desk.doorName(one.door), directionText(one)),
        },
        { title: "Came", cell: (one) => whenText(one.at) },
        { title: "Booking", cell: bookingText },
        { title: "Decision", cell: (one) => this.#decision(one) },
        { title: "Actions", look: "acts", cell: (one) => this.#buttons(one) },
      ],
      scans,
      { id: (one) => one.quarantine_id, off: (one) => one.resolved_at !== null },
    );
  }

  /** @param {any} one */
  #decision(one) {
    if (!one.resolved_at) return tag("waiting", "warn");
    const counted = one.counted ? `${one.counted} counted` : "nobody counted";
    const words = one.resolution === "accept" ? ACCEPT_WORD : DISMISS_WORD;
    const reason = /** @type {Object<string, string>} */ (words)[one.reason] ?? capital(one.reason ?? "");
    return named(
      one.resolution === "accept" ? tag("accepted", "good") : tag("dismissed"),
      `${reason}, ${counted}`,
      one.resolved_by && `by ${this.desk.nameOf(one.resolved_by)}`,
    );
  }

  /** @param {any} one */
  #buttons(one) {
    if (one.resolved_at) return null;
    const about = `${one.device}, ${whenText(one.at)}`;
    return [
      canCount(one) && rowButton("Accept", `${one.quarantine_id}:accept`, () => this.#accept(one), { about }),
      rowButton("Dismiss", `${one.quarantine_id}:dismiss`, () => this.#dismiss(one), { about }),
    ];
  }

  /** @param {any} one */
  async #accept(one) {
    const { party } = one;
    const done = await askForm(
      "Accept this scan",
      "Accept",
      [
        el(
          "p",
          {},
          `It counts as what the door did: people ${one.direction === "in" ? "in" : "out"} at ${this.desk.doorName(one.door)}, in the book of ${nightText(one.night)}.`,
        ),
        choiceField("Reason", "reason", Object.entries(ACCEPT_WORD), "let_in"),
        one.people === null &&
          textField(
            "How many people",
            "people",
            { type: "number", inputmode: "numeric", min: 1, max: party, required: party > 1, value: party === 1 ? "1" : "" },
            `The party is ${party}; the scan did not say.`,
          ),
      ],
      (data) => this.#send(one, "accept", data),
      { beside: { people_missing: "people", party_full: "people", nobody_inside: "people" } },
    );
    await this.#done(done, "Accepted");
  }

  /** @param {any} one */
  async #dismiss(one) {
    const done = await askForm(
      "Dismiss this scan",
      "Dismiss",
      [
        el("p", {}, "Nobody is counted. The scan stays here, with your reason."),
        choiceField("Reason", "reason", Object.entries(DISMISS_WORD), "not_let_in"),
      ],
      (data) => this.#send(one, "dismiss", data),
    );
    await this.#done(done, "Dismissed");
  }

  /** @param {any} one @param {string} decision @param {FormData} data */
  #send(one, decision, data) {
    const people = typed(data, "people");
    return this.desk.command("POST", `/v1/quarantine/${one.quarantine_id}/resolve`, {
      decision,
      reason: typed(data, "reason"),
      ...(people && { people: Number(people) }),
    });
  }

  /** @param {any} done @param {string} word */
  async #done(done, word) {
    if (!done) return;
    tell(word, done.counted ? `${done.counted} counted` : "Nobody was counted");
    await this.desk.refresh();
  }
}

/** Whether there is anybody to count. @param {any} one */
function canCount(one) {
  return one.booking_id !== null && one.refused === null && !one.decided;
}

/** @param {any} one */
function directionText(one) {
  const people = one.people ? `${one.people} ` : "";
  return `${people}${one.direction === "in" ? "in" : "out"}`;
}

/** @param {any} one */
function bookingText(one) {
  if (one.refused) return el("span", { class: "soft" }, `No booking: ${one.refused.replaceAll("_", " ")}`);
  if (!one.booking_id) return el("span", { class: "soft" }, "No booking");
  return named(
    referenceText(one.reference),
    nightText(one.night),
    partyText(one.party),
    one.decided && tag("decided since"),
  );
}
