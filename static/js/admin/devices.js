// @ts-check
/** Tablets and cameras: added, paired by a picture, taken away. */

import { read } from "../api.js";
import { el } from "../elements.js";
import { tell } from "../toasts.js";
import { nightText } from "../venue-clock.js";
import { askForm, choiceField, textField, typed } from "./forms.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { showPairing } from "./pairing.js";
import { KIND_WORD } from "./says.js";
import { since } from "./when.js";

const BATTERY_LOW_PERCENT = 20; // some two hours of a tablet with its camera on

export class Devices {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
  }

  async load() {
    return (await read("/v1/devices")).devices;
  }

  acts() {
    return el(
      "button",
      { class: "button button-main", type: "button", "data-act": "add", onclick: () => this.#add() },
      "Add a device",
    );
  }

  /** @param {any[]} found */
  draw(found) {
    if (found.length === 0)
      return nothing("No devices yet", "Add a tablet for each door; it is paired by a picture.");
    const now = this.desk.clock.now();
    return tableOf(
      "Devices",
      [
        { title: "Name", cell: (one) => named(one.name, KIND_WORD[one.kind] ?? one.kind, stateTag(one)) },
        { title: "Door", cell: (one) => this.desk.doorName(one.door) },
        { title: "Night", cell: (one) => (one.night ? nightText(one.night) : "Every night") },
        { title: "Last seen", cell: (one) => since(one.seen_at, now) },
        { title: "Battery", cell: battery },
        { title: "Version", cell: (one) => one.version ?? unknown() },
        { title: "Holds", cell: spool },
        { title: "Actions", look: "acts", cell: (one) => this.#buttons(one) },
      ],
      found,
      { id: (one) => one.device_id, off: (one) => one.revoked_at !== null },
    );
  }

  /** @param {any} one */
  #buttons(one) {
    const about = one.name;
    if (one.revoked_at)
      return el(
        "a",
        {
          class: "button",
          href: `#audit?subject=device:${one.device_id}`,
          "data-key": `${one.device_id}:book`,
          "data-act": "book",
          "aria-label": `Audit: ${about}`,
        },
        "Audit",
      );
    return [
      rowButton(
        one.generation ? "Pair again" : "Pair",
        `${one.device_id}:pair`,
        () => this.#pairAgain(one),
        { about },
      ),
      rowButton("Revoke", `${one.device_id}:revoke`, () => this.#revoke(one), {
        about,
        look: "button-danger",
      }),
    ];
  }

  async #add() {
    const { doors } = this.desk.floor;
    const nights = this.desk.nights.nights.map((/** @type {any} */ one) => one.night);
    const made = await askForm(
      "Add a device",
      "Add and pair",
      [
        textField("Name", "name", {
          required: true, maxlength: 120, autocomplete: "off", placeholder: "Street door 1",
        }),
        el(
          "div",
          { class: "form-row" },
          choiceField("Kind", "kind", [["tablet", "Tablet"], ["camera", "Camera"]], "tablet"),
          choiceField("Door", "door", doors.map((/** @type {any} */ one) => [one.id, one.name])),
          choiceField("Night", "night", [
            ["", "Every night"],
            ...nights.map((/** @type {string} */ one) => [one, nightText(one)]),
          ]),
        ),
      ],
      (data) =>
        this.desk.command("POST", "/v1/devices", {
          name: typed(data, "name") ?? "",
          kind: typed(data, "kind"),
          door: typed(data, "door"),
          night: typed(data, "night"),
        }),
      { beside: { door_not_found: "door", night_not_found: "night" } },
    );
    if (made) await this.#show(made, null);
  }

  /** @param {any} one */
  async #pairAgain(one) {
    const made = await askForm(
      `Pair ${one.name}${one.generation ? " again" : ""}`,
      "Show the code",
      [
        el(
          "p",
          {},
          one.generation
            ? "For a tablet that lost its pairing, or a new one in its place. The one that is paired now works on until the new code is used; then it stops."
            : "A new code; one that was shown before stops working.",
        ),
      ],
      () => this.desk.command("POST", `/v1/devices/${one.device_id}/pairing`, {}),
    );
    if (made) await this.#show(made, one.paired_at);
  }

  /** @param {any} made @param {string | null} pairedAt */
  async #show(made, pairedAt) {
    await this.desk.refresh();
    await showPairing(this.desk, made, pairedAt);
    await this.desk.refresh();
  }

  /** @param {any} one */
  async #revoke(one) {
    const done = await askForm(
      `Revoke ${one.name}?`,
      "Revoke",
      [
        el("p", {}, `It stops working at ${this.desk.doorName(one.door)} at once:`),
        el(
          "ul",
          { class: "bullets" },
          el("li", {}, "it scans nobody in or out, and its screen closes;"),
          el("li", {}, "whoever took it by PIN is signed out there;"),
          el("li", {}, "scans that it still holds are kept in quarantine for you."),
        ),
        el("p", { class: "soft" }, "To use it again, add it as a new device."),
      ],
      () => this.desk.command("DELETE", `/v1/devices/${one.device_id}`),
      { look: "button-danger" },
    );
    if (!done) return;
    tell("Revoked", one.name);
    await this.desk.refresh();
  }
}

/** @param {any} one */
function stateTag(one) {
  if (one.revoked_at) return tag("revoked", "bad");
  return one.generation === 0 && tag("not paired yet", "warn");
}

/** @param {any} one */
function battery(one) {
  if (one.battery_percent === null) return unknown();
  const low = one.battery_percent <= BATTERY_LOW_PERCENT;
  return low
    ? el("b", { class: "bad" }, `▼ ${one.battery_percent} %`)
    : `${one.battery_percent} %`;
}

/** Scans without a verdict that it still has. @param {any} one */
function spool(one) {
  if (one.spool === null) return unknown();
  if (one.spool === 0) return "nothing";
  return el("b", { class: "warn" }, `▲ ${one.spool} scan${one.spool === 1 ? "" : "s"}`);
}

function unknown() {
  return el("span", { class: "faint" }, el("span", { "aria-hidden": "true" }, "–"), el("span", { class: "visually-hidden" }, "not told"));
}
