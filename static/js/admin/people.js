// @ts-check
/** A guest's rights: looked up by the whole e-mail or telephone, shown, exported, erased. */

import { send } from "../api.js";
import { el } from "../elements.js";
import { tell, tellProblem } from "../toasts.js";
import { nightText } from "../venue-clock.js";
import { BOOKING_WORD, partyText, referenceText, tablesText } from "../words.js";
import { askForm, formOf, textField, typed } from "./forms.js";
import { nothing, rowButton } from "./list.js";
import { RETAINED_WORD } from "./says.js";
import { whenText } from "./when.js";

const WORD = "erase"; // typed by whoever destroys somebody's data

export class People {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = false; // each look-up is somebody's wish, and written down
    /** @type {string} */
    this.wish = "";
    /** @type {any[] | null} */
    this.people = null;
    /** @type {Map<string, any>} */
    this.revealed = new Map();
  }

  async load() {
    return { wish: this.wish, people: this.people, revealed: [...this.revealed] };
  }

  draw() {
    const search = formOf(
      "Look up",
      [
        textField(
          "E-mail address or telephone number",
          "wish",
          {
            required: true, maxlength: 254, autocomplete: "off", spellcheck: "false",
            autocapitalize: "none", value: this.wish, "data-key": "wish",
          },
          "The whole of it: names are sealed, and nobody can leaf through them.",
        ),
      ],
      async (data) => {
        this.wish = typed(data, "wish") ?? "";
        const body = this.wish.includes("@") ? { email: this.wish } : { phone: this.wish };
        this.people = (await send("POST", "/v1/people/find", body)).people;
        this.revealed.clear();
        await this.desk.refresh();
      },
      { beside: { contact_not_valid: "wish", not_valid: "wish" } },
    );
    search.classList.add("look-up");
    return [search, this.#found()];
  }

  #found() {
    if (this.people === null) return null;
    if (this.people.length === 0)
      return nothing("Nobody", "No guest has given this address or number. Ask how they wrote it.");
    return el("div", { class: "cards", role: "list" }, this.people.map((one) => this.#card(one)));
  }

  /** @param {any} one */
  #card(one) {
    const id = one.person_id;
    const whole = this.revealed.get(id);
    const shown = whole ?? one;
    const about = { about: one.name ?? "erased" };
    const gone = one.name === null;
    return el(
      "article",
      { class: "card", role: "listitem", "data-id": id },
      el(
        "div",
        {},
        el("h2", {}, shown.name ?? "Erased, or sealed by a key that is away"),
        el(
          "p",
          { class: "soft" },
          [shown.phone, shown.email].filter(Boolean).join(" · ") || "Neither telephone nor e-mail",
        ),
        el("p", { class: "small faint" }, `Known since ${whenText(one.created_at)}`),
      ),
      el(
        "ul",
        { class: "bookings" },
        one.bookings.map((/** @type {any} */ booking) =>
          el(
            "li",
            {},
            el("b", {}, nightText(booking.night)),
            ` ${tablesText(booking.tables)} · ${partyText(booking.party)} · ${BOOKING_WORD[booking.status] ?? booking.status} `,
            el("span", { class: "faint" }, referenceText(booking.reference)),
          ),
        ),
        one.bookings.length === 0 && el("li", { class: "soft" }, "No bookings"),
      ),
      !gone &&
        el(
          "div",
          { class: "card-acts" },
          !whole && rowButton("Reveal", `${id}:reveal`, () => this.#reveal(one), about),
          this.desk.may("person:export") && [
            rowButton("Export to read", `${id}:html`, () => this.#export(one, "html"), about),
            rowButton("Export as JSON", `${id}:json`, () => this.#export(one, "json"), about),
          ],
          this.desk.may("person:erase") &&
            rowButton("Erase", `${id}:erase`, () => this.#erase(one), {
              ...about,
              look: "button-danger",
            }),
        ),
    );
  }

  /** @param {any} one */
  async #reveal(one) {
    const whole = await askForm(
      "Reveal this person?",
      "Reveal",
      [el("p", {}, "You see the whole name, telephone and e-mail. That you looked is in the audit.")],
      () => this.desk.command("POST", `/v1/people/${one.person_id}/reveal`, {}),
    );
    if (!whole) return;
    this.revealed.set(one.person_id, whole);
    await this.desk.refresh();
  }

  /** @param {any} one @param {"json" | "html"} format */
  async #export(one, format) {
    try {
      const path = `/v1/people/${one.person_id}/export?format=${format}`;
      await this.desk.download(path, `guest-data.${format}`);
      tell("Saved", "Give the file to the guest, then delete it here.");
    } catch (error) {
      tellProblem(error, "Not exported");
    }
  }

  /** @param {any} one */
  async #erase(one) {
    const done = await askForm(
      "Erase this person?",
      "Erase for good",
      [
        el(
          "p",
          {},
          "Name, telephone and e-mail are destroyed, here and in every copy. Nobody can undo it. Bookings and payments stay, without a name.",
        ),
        textField(
          `Type “${WORD}” to go on`,
          "word",
          { required: true, pattern: WORD, title: WORD, autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
        ),
      ],
      () => this.desk.command("POST", `/v1/people/${one.person_id}/erase`, {}),
      { look: "button-danger" },
    );
    if (!done) return;
    this.people = (this.people ?? []).filter((other) => other.person_id !== one.person_id);
    this.revealed.delete(one.person_id);
    const kept = done.retained.map((/** @type {string} */ word) => RETAINED_WORD[word] ?? word);
    tell("Erased", kept.length ? `Kept: ${kept.join("; ")}.` : "");
    await this.desk.refresh();
  }
}
