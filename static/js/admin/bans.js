// @ts-check
/** Who is not welcome: by a booking, or by name and what else is known. */

import { read } from "../api.js";
import { el, fill } from "../elements.js";
import { tell, warn } from "../toasts.js";
import { instantAt } from "../venue-clock.js";
import { BOOKING_WORD, referenceText, tablesText } from "../words.js";
import { askForm, choiceField, textField, typed } from "./forms.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { BAN_WORD } from "./says.js";
import { at, whenText } from "./when.js";

const DAY_MS = 86_400_000;

export class Bans {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
  }

  async load() {
    const [found] = await Promise.all([read("/v1/bans"), this.desk.learnNames()]);
    return found.bans;
  }

  acts() {
    return el(
      "button",
      { class: "button button-main", type: "button", "data-act": "add", onclick: () => this.#add() },
      "Add a ban",
    );
  }

  /** @param {any[]} found */
  draw(found) {
    if (found.length === 0)
      return nothing("Nobody is banned", "Whoever is added here is refused at every door.");
    return tableOf(
      "Bans",
      [
        { title: "Who", cell: (one) => named(one.name ?? "Erased", one.phone, one.email) },
        { title: "Why", cell: (one) => named(BAN_WORD[one.reason] ?? one.reason, one.note) },
        { title: "Until", cell: (one) => (one.until ? at(one.until) : "It is lifted") },
        {
          title: "Added",
          cell: (one) => named(whenText(one.added_at), `by ${this.desk.nameOf(one.added_by)}`),
        },
        { title: "State", cell: (one) => this.#state(one) },
        { title: "Actions", look: "acts", cell: (one) => this.#button(one) },
      ],
      found,
      { id: (one) => one.ban_id, off: (one) => !one.in_force },
    );
  }

  /** @param {any} one */
  #state(one) {
    if (one.in_force) return tag("in force", "bad");
    if (!one.lifted_at) return tag("over");
    const by = one.lifted_by && `by ${this.desk.nameOf(one.lifted_by)}`;
    return named(tag("lifted"), whenText(one.lifted_at), by);
  }

  /** @param {any} one */
  #button(one) {
    if (!one.in_force) return null;
    return rowButton("Lift", `${one.ban_id}:lift`, () => this.#lift(one), {
      about: one.name ?? "erased",
    });
  }

  /** @param {any} one */
  async #lift(one) {
    const done = await askForm(
      `Lift the ban of ${one.name ?? "an erased person"}?`,
      "Lift it",
      [el("p", {}, "They are welcome again, at every door, at once.")],
      () => this.desk.command("POST", `/v1/bans/${one.ban_id}/lift`, { edition: one.edition }),
      { look: "button-danger" },
    );
    if (!done) return;
    tell("Lifted", one.name ?? "");
    await this.desk.refresh();
  }

  async #add() {
    const { nights } = this.desk;
    const by = el(
      "fieldset",
      { class: "form" },
      el("legend", {}, "Who"),
      el(
        "div",
        { class: "form-row" },
        choice("by", "booking", "By a booking", true),
        choice("by", "name", "By name", false),
      ),
    );
    const bookings = el("select", { class: "input", name: "booking_id", size: 6, required: true });
    const night = textField("Night", "night", {
      type: "date",
      value: nights.tonight ?? nights.nights[0]?.night ?? "",
      onchange: (/** @type {Event} */ event) =>
        this.#list(bookings, /** @type {HTMLInputElement} */ (event.target).value),
    });
    const byBooking = el(
      "fieldset",
      { class: "form", "data-by": "booking" },
      night,
      el("div", { class: "field" }, el("label", { class: "field" }, el("span", {}, "Booking"), bookings)),
    );
    const byName = el(
      "fieldset",
      { class: "form", "data-by": "name" },
      textField("Name", "name", { required: true, maxlength: 120, autocomplete: "off" }, "By name alone the door checks the ID."),
      el(
        "div",
        { class: "form-row" },
        textField("Telephone", "phone", { type: "tel", maxlength: 30, autocomplete: "off" }),
        textField("E-mail", "email", { type: "email", maxlength: 254, autocomplete: "off" }),
      ),
    );
    /** @type {string[]} whose tablet holds a ticket of the person and could not be asked */
    let doors = [];
    const done = await Promise.all([
      askForm(
        "Add a ban",
        "Add the ban",
        [
          by,
          byBooking,
          byName,
          el(
            "div",
            { class: "form-row" },
            choiceField("Reason", "reason", Object.entries(BAN_WORD), "violence"),
            textField("Last night of the ban", "until", { type: "date" }, "Empty: until it is lifted."),
          ),
          textField("Note", "note", { maxlength: 500, autocomplete: "off" }, "For managers alone; kept sealed."),
        ],
        async (data) => {
          const made = await this.desk.command("POST", "/v1/bans", banOf(data));
          doors = made.may_still_admit ?? [];
        },
        {
          beside: { ban_is_over: "until", booking_not_found: "booking_id", no_contact: "booking_id" },
          changed: (form) => {
            const chosen = new FormData(form).get("by") ?? "booking";
            for (const part of [byBooking, byName]) {
              const away = part.dataset.by !== chosen;
              part.hidden = away;
              part.disabled = away; // what is not seen is neither asked for nor sent
            }
          },
        },
      ),
      this.#list(bookings, nights.tonight ?? nights.nights[0]?.night ?? ""),
    ]);
    if (!done[0]) return;
    if (doors.length === 0) tell("Banned", "The doors know it from now on.");
    else
      warn(
        "Banned",
        `${doors.map((id) => this.desk.doorName(id)).join(" and ")} may still admit them: its tablet is out of contact. Send somebody to tell them.`,
      );
    await this.desk.refresh();
  }

  /** The bookings of a night to choose from. @param {HTMLSelectElement} select @param {string} night */
  async #list(select, night) {
    if (!night) return;
    const only = (/** @type {string} */ text) => fill(select, el("option", { value: "", disabled: true }, text));
    only("Asking…");
    try {
      const { bookings } = await read(`/v1/nights/${night}/bookings`);
      if (bookings.length === 0) return only("No bookings that night");
      fill(
        select,
        bookings.map((/** @type {any} */ one) =>
          el(
            "option",
            { value: one.booking_id },
            [
              one.name ?? "Erased",
              tablesText(one.tables),
              BOOKING_WORD[one.status] ?? one.status,
              referenceText(one.reference),
            ].join(" · "),
          ),
        ),
      );
    } catch (error) {
      only(error instanceof Error ? error.message : "Not reached");
    }
  }
}

/** @param {string} name @param {string} value @param {string} words @param {boolean} checked */
function choice(name, value, words, checked) {
  return el(
    "label",
    { class: "check" },
    el("input", { type: "radio", name, value, checked }),
    ` ${words}`,
  );
}

/** @param {FormData} data */
function banOf(data) {
  const until = typed(data, "until");
  const body = {
    booking_id: typed(data, "booking_id"),
    name: typed(data, "name"),
    phone: typed(data, "phone"),
    email: typed(data, "email"),
    reason: typed(data, "reason"),
    until: until && endOf(until),
    note: typed(data, "note"),
  };
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}

/** The end of a night: six in the morning after its date. @param {string} night */
function endOf(night) {
  const next = new Date(Date.parse(`${night}T12:00:00Z`) + DAY_MS).toISOString().slice(0, 10);
  return instantAt(`${next}T06:00`);
}
