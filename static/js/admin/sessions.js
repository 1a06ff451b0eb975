// @ts-check
/** Who is signed in, where and how; ended one by one, or all of a person. */

import { read } from "../api.js";
import { el } from "../elements.js";
import { tell } from "../toasts.js";
import { askForm } from "./forms.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { ROLE_WORD, agentText, howText } from "./says.js";
import { at, since } from "./when.js";

export class Sessions {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
    this.ends = desk.may("session:revoke");
  }

  async load() {
    const [found] = await Promise.all([read("/v1/sessions"), this.desk.learnNames()]);
    return found.sessions;
  }

  /** @param {any[]} found the one used last first */
  draw(found) {
    if (found.length === 0) return nothing("Nobody is signed in", "Not even you, it seems.");
    /** @type {Map<string, any[]>} */
    const people = new Map();
    for (const one of found) {
      const theirs = people.get(one.staff_id) ?? [];
      people.set(one.staff_id, [...theirs, one]);
    }
    return [...people.values()].map((theirs) => this.#person(theirs));
  }

  /** @param {any[]} theirs */
  #person(theirs) {
    const [{ staff_id: id, name, role }] = theirs;
    const now = this.desk.clock.now();
    return el(
      "section",
      { class: "person", "data-person": id },
      el(
        "header",
        { class: "person-head" },
        el("h2", {}, name, " ", el("span", { class: "soft" }, ROLE_WORD[role] ?? role)),
        this.ends &&
          rowButton("End all", `${id}:end-all`, () => this.#endAll(theirs), {
            about: name,
            look: "button-danger",
          }),
      ),
      tableOf(
        `Sessions of ${name}`,
        [
          { title: "Where", cell: (one) => this.#where(one) },
          { title: "Signed in by", cell: howText },
          { title: "Since", cell: (one) => at(one.created_at) },
          { title: "Last seen", cell: (one) => since(one.seen_at, now) },
          { title: "Actions", look: "acts", cell: (one) => this.#button(one) },
        ],
        theirs,
        { id: (one) => one.session_id },
      ),
    );
  }

  /** @param {any} one */
  #where(one) {
    const device = one.device_id && this.desk.nameOf(`device:${one.device_id}`);
    return named(
      [device ?? agentText(one.agent), one.own && tag("this one")],
      device && agentText(one.agent),
      one.origin && el("span", { title: "A digest of the address: the same for the same network" }, `from ${one.origin.slice(0, 6)}`),
    );
  }

  /** @param {any} one */
  #button(one) {
    if (!this.ends || one.own) return null; // one's own ends by signing out
    return rowButton("End", `${one.session_id}:end`, () => this.#end(one), { about: one.name });
  }

  /** @param {any} one */
  #end(one) {
    return this.#ask(
      `End this session of ${one.name}?`,
      "Its screen closes at once. They can sign in again.",
      `/v1/sessions/${one.session_id}`,
      one.name,
    );
  }

  /** @param {any[]} theirs */
  #endAll(theirs) {
    const own = theirs.some((one) => one.own);
    const [{ staff_id: id, name }] = theirs;
    return this.#ask(
      `End all sessions of ${own ? "yours" : name}?`,
      own
        ? "You are signed out everywhere, here too."
        : "All their screens close at once. They can sign in again: to keep them out, disable the account.",
      `/v1/staff/${id}/sessions`,
      name,
    );
  }

  /** @param {string} title @param {string} text @param {string} path @param {string} name */
  async #ask(title, text, path, name) {
    const done = await askForm(
      title,
      "End",
      [el("p", {}, text)],
      () => this.desk.command("DELETE", path),
      { look: "button-danger" },
    );
    if (!done) return;
    tell(done.ended === 1 ? "One session ended" : `${done.ended} sessions ended`, name);
    await this.desk.refresh();
  }
}
