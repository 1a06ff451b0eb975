// @ts-check
/** Who works here: listed for managers, changed by administrators. */

import { read } from "../api.js";
import { showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { nightText } from "../venue-clock.js";
import { FLOOR_WORD } from "../words.js";
import { tell } from "../toasts.js";
import { askForm, choiceField, copyField, textField, typed } from "./forms.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { ROLE_WORD } from "./says.js";
import { since, whenText } from "./when.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** Which field each refusal is about. */
const BESIDE = {
  username_taken: "username",
  door_not_found: "door",
  last_administrator: "role",
  own_account: "role",
};

export class Staff {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
    this.manages = desk.may("staff:manage");
  }

  async load() {
    return (await read("/v1/staff")).staff;
  }

  acts() {
    if (!this.manages) return null;
    return el(
      "button",
      { class: "button button-main", type: "button", "data-act": "add", onclick: () => this.#add() },
      "Add somebody",
    );
  }

  /** @param {any[]} found */
  draw(found) {
    if (found.length === 0) return nothing("Nobody yet", "Add the first one above.");
    const now = this.desk.clock.now();
    return tableOf(
      "Staff",
      [
        { title: "Name", cell: (one) => this.#name(one) },
        { title: "Role", cell: (one) => ROLE_WORD[one.role] ?? one.role },
        { title: "Where", cell: (one) => this.desk.scopeText(one) },
        { title: "Second factor", cell: (one) => onOff(one.has_totp) },
        { title: "PIN", cell: (one) => onOff(one.has_pin) },
        { title: "Last seen", cell: (one) => since(one.seen_at, now, "Not lately") },
        ...(this.manages
          ? [{ title: "Actions", look: "acts", cell: (/** @type {any} */ one) => this.#buttons(one) }]
          : []),
      ],
      found,
      { id: (one) => one.staff_id, off: (one) => one.disabled },
    );
  }

  /** @param {any} one */
  #name(one) {
    return named(
      one.name,
      one.username,
      one.staff_id === this.desk.session.staff_id && tag("you"),
      one.demo && tag("demo"),
      one.disabled && tag("disabled", "bad"),
    );
  }

  /** @param {any} one */
  #buttons(one) {
    const about = { about: one.name };
    return [
      rowButton("Edit", `${one.staff_id}:edit`, () => this.#edit(one), about),
      rowButton("Access", `${one.staff_id}:access`, () => this.#access(one), about),
    ];
  }

  async #add() {
    const made = await askForm(
      "Add somebody",
      "Add",
      [
        textField("Name", "display_name", { required: true, maxlength: 120, autocomplete: "off" }),
        textField(
          "User name",
          "username",
          { required: true, minlength: 2, maxlength: 80, autocapitalize: "none", spellcheck: "false", autocomplete: "off" },
          "What they type to sign in; without spaces.",
        ),
        this.#roleField("DOOR_STAFF"),
        this.#scopeFields({ floor: null, door: null, night: null }),
      ],
      (data) =>
        this.desk.command("POST", "/v1/staff", {
          display_name: typed(data, "display_name") ?? "",
          username: typed(data, "username") ?? "",
          ...rightsOf(data),
        }),
      { beside: BESIDE },
    );
    if (!made) return;
    await Promise.all([this.desk.refresh(), showLink(made, made.name)]);
  }

  /** @param {any} one */
  async #edit(one) {
    let { edition } = one;
    const done = await askForm(
      one.name,
      "Save",
      [
        textField("Name", "display_name", {
          required: true, maxlength: 120, value: one.name, autocomplete: "off",
        }),
        this.#roleField(one.role),
        this.#scopeFields(one),
      ],
      async (data) => {
        const wanted = { display_name: typed(data, "display_name") ?? "", ...rightsOf(data) };
        /** @type {Object<string, any>} */
        const was = { ...one, display_name: one.name };
        const changed = Object.entries(wanted).filter(([name, value]) => was[name] !== value);
        if (changed.length === 0) return;
        try {
          const body = { edition, ...Object.fromEntries(changed) };
          await this.desk.command("PATCH", `/v1/staff/${one.staff_id}`, body);
        } catch (/** @type {any} */ problem) {
          // Told once; who saves again does so knowing that somebody else was there.
          if (problem.reason === "edition_old") edition = problem.fields.edition ?? edition;
          throw problem;
        }
        tell("Saved", `${wanted.display_name} is so from now on.`);
      },
      { beside: BESIDE },
    );
    if (done) await this.desk.refresh();
  }

  /** @param {string} role */
  #roleField(role) {
    return choiceField(
      "Role",
      "role",
      /** @type {[string, string][]} */ (Object.entries(ROLE_WORD).reverse()),
      role,
      "Another role signs them out everywhere.",
    );
  }

  /** @param {{floor: string | null, door: string | null, night: string | null}} scope */
  #scopeFields(scope) {
    const { floor, nights } = this.desk;
    const open = nights.nights.map((/** @type {any} */ one) => one.night);
    if (scope.night && !open.includes(scope.night)) open.unshift(scope.night);
    return el(
      "fieldset",
      { class: "form" },
      el("legend", {}, "Where their rights reach"),
      el(
        "div",
        { class: "form-row" },
        choiceField(
          "Floor",
          "floor",
          [
            ["", "Everywhere"],
            ...floor.floors.map((/** @type {any} */ one) => [one.name, FLOOR_WORD[one.name] ?? one.name]),
          ],
          scope.floor ?? "",
        ),
        choiceField(
          "Door",
          "door",
          [["", "Every door"], ...floor.doors.map((/** @type {any} */ one) => [one.id, one.name])],
          scope.door ?? "",
        ),
        choiceField(
          "Night",
          "night",
          [["", "Every night"], ...open.map((/** @type {string} */ one) => [one, nightText(one)])],
          scope.night ?? "",
        ),
      ),
    );
  }

  /** How somebody gets in, and how they do no longer. @param {any} one */
  async #access(one) {
    await showDialog(one.name, (close) => {
      const own = one.staff_id === this.desk.session.staff_id;
      /** @param {string} title @param {string} text @param {...any} buttons */
      const way = (title, text, ...buttons) =>
        el(
          "section",
          { class: "way" },
          el("div", {}, el("h3", {}, title), el("p", { class: "small soft" }, text)),
          el("div", { class: "way-acts" }, buttons),
        );
      /** @param {string} label @param {string} act @param {() => Promise<any>} work @param {string} [look] */
      const button = (label, act, work, look = "") =>
        el(
          "button",
          {
            class: `button ${look}`,
            type: "button",
            "data-act": act,
            onclick: async () => {
              if (!(await work())) return;
              close();
              await this.desk.refresh();
            },
          },
          label,
        );
      return [
        !one.disabled &&
          way(
            "Sign-in link",
            "Signs them in once, within a day: for a first evening, or a forgotten password.",
            button("Make a link", "link", () => this.#link(one)),
          ),
        !one.disabled &&
          way(
            "PIN",
            one.has_pin
              ? "They have one for shared tablets."
              : "Says who holds a shared tablet. They have none.",
            button(one.has_pin ? "Another PIN" : "Set a PIN", "pin", () => this.#pin(one)),
            one.has_pin && button("Take away", "pin-off", () => this.#pinOff(one)),
          ),
        one.has_totp &&
          !own &&
          way(
            "Second factor",
            "Lost their phone and their recovery codes: they set it up anew when they sign in.",
            button("Reset", "reset", () => this.#reset(one), "button-danger"),
          ),
        one.disabled
          ? way(
              "Disabled",
              "They cannot sign in. What they did stays in the books.",
              button("Enable", "enable", () => this.#able(one, false), "button-main"),
            )
          : way(
              "Account",
              "Disabled, they are signed out everywhere at once. What they did stays in the books.",
              button("Disable", "disable", () => this.#able(one, true), "button-danger"),
            ),
        this.desk.may("audit:read") &&
          el(
            "a",
            { class: "button button-wide", href: `#audit?subject=staff:${one.staff_id}`, onclick: close },
            "What the book says of them",
          ),
      ];
    });
  }

  /** @param {any} one */
  async #link(one) {
    const made = await askForm(
      `A link for ${one.name}`,
      "Make the link",
      [el("p", { class: "soft" }, "Whoever has it is signed in as them. Hand it over in person.")],
      () => this.desk.command("POST", `/v1/staff/${one.staff_id}/link`, {}),
    );
    if (made) await showLink(made, one.name);
    return made;
  }

  /** @param {any} one */
  #pin(one) {
    return askForm(
      `PIN of ${one.name}`,
      "Set the PIN",
      [
        textField(
          "New PIN",
          "pin",
          {
            required: true, inputmode: "numeric", pattern: "[0-9]{4,8}", maxlength: 8,
            title: "four to eight digits", autocomplete: "off", spellcheck: "false",
          },
          "Four to eight digits, not a run and not a year of birth.",
        ),
      ],
      async (data) => {
        await this.desk.command("POST", `/v1/staff/${one.staff_id}/pin`, { pin: typed(data, "pin") });
        tell("PIN set", one.name);
      },
      { beside: { pin_not_taken: "pin" } },
    );
  }

  /** @param {any} one */
  #pinOff(one) {
    return askForm(
      `No PIN for ${one.name}?`,
      "Take it away",
      [el("p", {}, "They can no longer take a shared tablet until they have another.")],
      () => this.desk.command("POST", `/v1/staff/${one.staff_id}/pin`, { pin: null }),
      { look: "button-danger" },
    );
  }

  /** @param {any} one */
  #reset(one) {
    return askForm(
      `Reset the second factor of ${one.name}?`,
      "Reset",
      [
        el(
          "p",
          {},
          "Their app and their recovery codes stop working, and they are signed out everywhere. Be sure that it is them who asks.",
        ),
      ],
      () => this.desk.command("POST", `/v1/staff/${one.staff_id}/totp/reset`, {}),
      { look: "button-danger" },
    );
  }

  /** @param {any} one @param {boolean} disabled */
  #able(one, disabled) {
    return askForm(
      disabled ? `Disable ${one.name}?` : `Enable ${one.name}?`,
      disabled ? "Disable" : "Enable",
      [
        el(
          "p",
          {},
          disabled
            ? "They are signed out everywhere at once, and their PIN and links stop working."
            : "They may sign in again, by the proofs that they have.",
        ),
      ],
      () =>
        this.desk.command("PATCH", `/v1/staff/${one.staff_id}`, { edition: one.edition, disabled }),
      { look: disabled ? "button-danger" : "button-main" },
    );
  }
}

/** The link, this once. @param {any} made @param {string} name */
function showLink(made, name) {
  return showDialog(`A link for ${name}`, (close) => [
    el(
      "p",
      { class: "soft" },
      `It signs ${name} in once, until ${whenText(made.link_expires_at)}. It is shown now and never again.`,
    ),
    copyField("Link", `${location.origin}/sign-in#link=${made.link}`),
    el(
      "div",
      { class: "dialog-foot" },
      el("button", { class: "button", type: "button", onclick: close }, "Done"),
    ),
  ]);
}

/** @param {FormData} data */
function rightsOf(data) {
  return {
    role: typed(data, "role"),
    floor: typed(data, "floor"),
    door: typed(data, "door"),
    night: typed(data, "night"),
  };
}

/** @param {boolean} has */
function onOff(has) {
  return has ? tag("on", "good") : el("span", { class: "faint" }, "off");
}
