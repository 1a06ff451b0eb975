// @ts-check
/**
 * What the doors' tablets hold while they are offline, and what somebody has to decide after they
 * came back: a pane of its own, with its count on the tab wherever one is.
 */

import { read } from "../api.js";
import { actForm, choice, field, group, showDialog } from "../dialog.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { timeText } from "../venue-clock.js";
import { tablesText } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

const EVERY_MS = 3000;
const SILENT_SECONDS = 45; // a tablet in contact is heard of every 20 s

/** Why a manager takes tickets back that a tablet has not returned. */
const RELEASES = {
  lost: "Lost", broken: "Broken", stolen: "Stolen", copied: "Copied", wiped: "Its memory is gone",
  other: "Other",
};

export class Doors {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.may = page.may("lease:manage") && page.may("task:manage");
    byId("tab-doors").hidden = !this.may;
    /** @type {any[]} */
    this.leases = [];
    /** @type {any[]} */
    this.tasks = [];
    this.drawn = "";
    this.timer = 0;
    /** @type {unknown} what the leases were fetched for; compared by identity */
    this.seen = null;
    if (this.may) this.#look();
  }

  /** Asks again at once when the live night says that a tablet's tickets changed. */
  follow() {
    if (!this.may) return;
    const { counts } = /** @type {any} */ (this.page.live.state).document;
    const told = JSON.stringify(counts.leases ?? {});
    if (told === this.seen) return;
    this.seen = told;
    this.#look();
  }

  /** How many of them need somebody. */
  get waiting() {
    return this.tasks.length + this.leases.filter(isTroubled).length;
  }

  async #look() {
    clearTimeout(this.timer);
    const night = this.page.live.state?.night;
    if (!document.hidden && night) {
      try {
        const [{ leases }, { tasks }] = await Promise.all([
          read(`/v1/leases?night=${night}`),
          read("/v1/tasks"),
        ]);
        this.leases = leases.filter((/** @type {any} */ one) => one.held > 0 || one.status === "voided");
        this.tasks = tasks;
        this.draw();
      } catch {
        // The connection's own sign says that the service is away.
      }
    }
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.#look(), EVERY_MS);
  }

  draw() {
    const { waiting } = this;
    const word = waiting > 0 ? `Doors · ${waiting}` : "Doors";
    write(byId("tab-doors"), word);
    const docked = byId("dock").querySelector('[data-dock="doors"]');
    write(docked?.querySelector("span") ?? null, word);
    for (const place of [byId("tab-doors"), docked])
      if (place) mark(place, "data-waiting", waiting > 0 ? "" : null);
    const said = JSON.stringify([this.tasks, this.leases.map((one) => [one, contactOf(one)]), this.page.guests.names]);
    if (said === this.drawn) return;
    this.drawn = said;
    const at = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.key;
    fill(
      byId("pane-doors"),
      this.tasks.length > 0 && el("h3", { class: "door-head" }, "To decide"),
      this.tasks.map((task) => this.#task(task)),
      this.leases.length > 0 && el("h3", { class: "door-head" }, "Tablets offline"),
      this.leases.map((lease) => this.#lease(lease)),
      this.tasks.length + this.leases.length === 0 &&
        el("p", { class: "soft door-none" }, "No tablet is offline, and nothing has to be decided."),
    );
    if (at) /** @type {HTMLElement | null} */ (byId("pane-doors").querySelector(`[data-key="${at}"]`))?.focus();
  }

  /** @param {any} task */
  #task(task) {
    const who = this.#party(task);
    const facts = [
      task.people > 0 && `${peopleText(task.people)} let in`,
      this.#door(task.door),
      task.device,
      timeText(task.at),
    ];
    return el(
      "article",
      { class: "door-card", "data-state": "bad", "data-task": task.task_id },
      el("i", { class: "device-shape", "aria-hidden": "true" }),
      el("h4", {}, task.title),
      who && el("p", {}, who),
      el("p", { class: "small soft" }, facts.filter(Boolean).join(" · ")),
      el("p", { class: "small" }, task.instruction),
      el(
        "div",
        { class: "door-acts" },
        el(
          "button",
          {
            class: "button", type: "button", "data-key": `task-${task.task_id}`,
            onclick: () => this.#resolve(task),
          },
          "Decide…",
        ),
      ),
    );
  }

  /** The party as this page knows it. @param {any} task */
  #party(task) {
    const { booking_id: id, reference, party } = task;
    const booking = this.page.live.state?.document.bookings[id];
    const row = this.page.guests.row(id);
    return [
      row?.name || reference,
      party && `party of ${party}`,
      tablesText(booking?.tables ?? row?.tables ?? []),
    ]
      .filter(Boolean)
      .join(" · ");
  }

  /** @param {any} lease */
  #lease(lease) {
    const { lease_id: id, held, recalled, admitted } = lease;
    const facts = [
      `${held} ${held === 1 ? "party" : "parties"} held`,
      admitted > 0 && `${admitted} let in`,
      recalled > 0 && `${recalled} asked back`,
    ];
    return el(
      "article",
      { class: "door-card", "data-state": isTroubled(lease) ? "bad" : "well", "data-lease": id },
      el("i", { class: "device-shape", "aria-hidden": "true" }),
      el("h4", {}, `${lease.device} · ${this.#door(lease.door)}`),
      el("p", { class: "small soft" }, facts.filter(Boolean).join(" · ")),
      el("p", { class: "small" }, contactOf(lease)),
      el(
        "div",
        { class: "door-acts" },
        lease.status === "live" &&
          el(
            "button",
            {
              class: "button", type: "button", "data-key": `recall-${id}`, disabled: recalled === held,
              onclick: () => this.page.commands.run("Ask back", [], "POST", `/v1/leases/${id}/recall`),
            },
            recalled === held ? "Asked back" : "Ask back",
          ),
        el(
          "button",
          {
            class: "button button-danger", type: "button", "data-key": `release-${id}`,
            onclick: () => this.#release(lease),
          },
          "Release…",
        ),
      ),
    );
  }

  /** @param {any} task */
  #resolve(task) {
    const counts = task.people > 0;
    /** @type {"count" | "dismiss"} */
    let decision = "dismiss";
    /** @type {[typeof decision, string][]} */
    const choices = [["count", `Count ${peopleText(task.people)} in`], ["dismiss", counts ? "Count nobody" : "Done"]];
    const buttons = choices
      .filter(([one]) => counts || one === "dismiss")
      .map(([one, word]) =>
        el("button", { type: "button", "aria-pressed": String(one === decision), onclick: () => choose(one) }, word),
      );
    /** @param {typeof decision} one */
    const choose = (one) => {
      decision = one;
      buttons.forEach((button, at) =>
        mark(button, "aria-pressed", String((counts ? choices[at][0] : "dismiss") === one)),
      );
    };
    return showDialog(task.title, (close) => [
      el("p", {}, this.#party(task)),
      el("p", { class: "soft" }, task.instruction),
      actForm(
        "Decide",
        [
          counts && group("The people inside", el("div", { class: "segments" }, buttons)),
          field(
            "What you found",
            el("input", { class: "input", name: "reason", required: true, maxlength: "200", autocomplete: "off" }),
            "It stays with the task, with your name.",
          ),
        ],
        async (data) => {
          const body = { decision, reason: String(data.get("reason")).trim() };
          const path = `/v1/tasks/${task.task_id}/resolve`;
          await this.page.commands.run("Decided", [], "POST", path, body, { silent: true });
          await this.#look();
        },
        close,
      ),
    ]);
  }

  /** @param {any} lease */
  #release(lease) {
    return showDialog(`Release what ${lease.device} holds?`, (close) => [
      el(
        "p",
        {},
        `Every door may then let in what it holds (${lease.held}). While the tablet still runs it may let them in too, ` +
          "until half an hour after it was last heard of: take it out of service, or ask it back first.",
      ),
      actForm(
        "Release",
        [
          field("Why", choice("reason", Object.entries(RELEASES))),
        ],
        async (data) => {
          const body = { reason: data.get("reason") };
          const path = `/v1/leases/${lease.lease_id}/release`;
          await this.page.commands.run("Released", [], "POST", path, body, { silent: true });
        },
        close,
        "button-danger",
      ),
    ]);
  }

  /** @param {string} id */
  #door(id) {
    return this.page.floor.doors.find((/** @type {any} */ one) => one.id === id)?.name ?? id;
  }
}

/** @param {number} count */
function peopleText(count) {
  return `${count} ${count === 1 ? "person" : "people"}`;
}

/** @param {any} lease */
function isTroubled(lease) {
  return lease.status === "voided" || lease.silent_seconds > SILENT_SECONDS;
}

/** @param {any} lease */
function contactOf(lease) {
  if (lease.status === "voided") return "Two tablets showed this. Take both out of service.";
  if (lease.silent_seconds <= SILENT_SECONDS) return "In contact";
  const minutes = Math.floor(lease.silent_seconds / 60);
  const since = minutes < 1 ? "under a minute" : minutes === 1 ? "a minute" : `${minutes} minutes`;
  return minutes < 30
    ? `Out of contact for ${since}; may let them in by itself`
    : `Out of contact for ${since}; its own right has ended`;
}
