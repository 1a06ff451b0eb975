// @ts-check
/**
 * The tablet goes offline and comes back: which parties it takes along, what it still has to tell,
 * and what it is now allowed to do, on the bar and on the picture's place.
 */

import { actForm, askSure, group, showDialog } from "../dialog.js";
import { byId, el, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { tell, warn } from "../toasts.js";
import { spanText } from "../venue-clock.js";
import { FLOOR_WORD } from "../words.js";
import { OfflineDoor } from "./offline/door.js";

/**
 * @typedef {import("./offline/door.js").View} View
 * @typedef {{id: string, name: string, floor: string, leaves: string | null}} Door
 * @typedef {{
 *   token: () => string | null, night: () => string | null, door: () => Door | null,
 *   tables: () => {number: number, floor: string}[], expected: () => {tables: number[]}[],
 *   may: () => boolean, onRevoked: () => void,
 * }} LeaseWiring
 *   `may`: this is a paired tablet that may hold tickets.
 */

const BACK_MS = 20_000; // how long unpairing waits for everything to be told
const LOOK_MS = 200;
const DRAW_MS = 1000;

/** Why tickets were not given; what else the service said is shown as it came. @type {Record<string, string>} */
const REFUSED = {
  nothing_to_lease: "No party is left that this tablet could take along: another one has them, or the house is full.",
  lease_not_returned: "This tablet took parties along before and lost its memory of it. A manager gives them free on the map.",
  not_a_street_door: "Only a street door can go offline.",
  voided: "Two tablets showed the same parties. Call the manager: this one lets in nobody by itself.",
  released: "A manager has taken the parties back.",
  lease_not_found: "The service knows of no parties of this tablet.",
};

export class Lease {
  /** @param {LeaseWiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    /** @type {OfflineDoor | null} */
    this.offline = null;
    this.asked = false; // somebody waits to be told whether the parties were given
    this.button = byId("lease");
    this.button.addEventListener("click", () => this.show());
    /** The tablet's own half; null where this browser keeps nothing. @type {Promise<OfflineDoor | null>} */
    this.ready = OfflineDoor.open({
      token: wiring.token,
      onChange: () => this.draw(),
      onRevoked: wiring.onRevoked,
    }).then(
      (offline) => (this.offline = offline),
      (error) => {
        console.info("This browser keeps nothing: the tablet cannot go offline", error);
        return null;
      },
    );
    this.ready.then(() => this.draw());
    setInterval(() => this.draw(), DRAW_MS);
  }

  /** @returns {View | null} */
  get view() {
    return this.offline?.view ?? null;
  }

  /** The verdict that this tablet gives by itself; null: the service has to be asked. @param {Object<string, any>} body */
  async decide(body) {
    return (await this.ready)?.decide(body) ?? null;
  }

  /** How many scans the service has not been told of. */
  get untold() {
    return this.view?.spool ?? 0;
  }

  /** What this tablet is allowed to do without a network, in a word and a sentence; null: nothing. @returns {[string, string] | null} */
  get words() {
    const { view } = this;
    if (!view) return null;
    const own = `${partiesText(view.tickets)} of its own`;
    switch (view.status) {
      case "ready":
        return [
          "Offline",
          `This tablet lets in ${own}, for another ${spanText(view.left_ms)}. Everybody else waits.`,
        ];
      case "unsure":
        return [
          "Cannot verify",
          "This tablet was restarted, or its clock jumped. Bring it to the network before you let anybody in.",
        ];
      case "over":
        return [
          "Cannot verify",
          "Thirty minutes without the service are over. Bring the tablet to the network; nobody is let in until then.",
        ];
      case "giving_back":
        return ["Cannot verify", "Its parties are being given back, which needs the network. Nobody is let in until then."];
      default:
        return null;
    }
  }

  draw() {
    const { view, button } = this;
    const said = view && chipOf(view);
    const offers = view?.status === "none" && this.wiring.may() && this.wiring.door()?.leaves === null;
    button.hidden = !said && !offers;
    if (button.hidden) return;
    const [state, word] = said ?? ["none", "Take offline"];
    mark(button, "data-state", state);
    mark(button, "aria-label", word);
    if (button.childElementCount === 0) fill(button, icon("tray"), el("span", { class: "lease-word" }));
    write(button.querySelector(".lease-word"), word);
    if (this.asked && view && !view.asking && view.status !== "none") {
      this.asked = false;
      tell("Taken along", `${partiesText(view.tickets)}: only this tablet lets them in now.`);
    } else if (this.asked && view && !view.asking && view.problem !== null) {
      this.asked = false;
      warn("Not taken along", REFUSED[view.problem] ?? "The service refused it. Try again, or call the manager.");
    }
  }

  show() {
    const { view, offline } = this;
    if (!view || !offline) return;
    return view.status === "none" && view.spool === 0 && view.refused === 0 && !view.asking
      ? this.#take(offline)
      : this.#status(offline);
  }

  /** Before the pairing is given up: everything is given back and told. Whether nothing is lost by it. */
  async mayLeave() {
    const offline = await this.ready;
    if (offline === null || offline.isClear) return true;
    const { status } = offline.view;
    if (status !== "revoked") offline.giveBack();
    tell("Bringing it back", "What this tablet holds and knows is told first.");
    if (!(await isTrue(() => offline.device.lease === null && offline.device.spool.length === 0))) {
      const { spool, tickets } = offline.view;
      await showDialog("Not yet", (close) => [
        el(
          "p",
          {},
          [
            spool > 0 && `${scansText(spool)} not told yet`,
            tickets > 0 && `${partiesText(tickets)} not given back yet`,
          ]
            .filter(Boolean)
            .join(", ") + ". Bring the tablet to the network first: nothing was unpaired.",
        ),
        el(
          "div",
          { class: "dialog-foot" },
          el("button", { class: "button button-main", type: "button", onclick: close }, "Back"),
        ),
      ]);
      return false;
    }
    const { refused } = offline.view;
    return (
      refused === 0 ||
      (await askSure(
        "Forget what was refused?",
        `${scansText(refused)} refused by the service, so nobody is counted by them. Tell the manager before they are forgotten.`,
        "Forget them",
      ))
    );
  }

  /** Nothing of the night is left on this tablet. */
  async clear() {
    await (await this.ready)?.clear();
  }

  /** Which tables' parties go along. @param {OfflineDoor} offline */
  #take(offline) {
    const door = this.wiring.door();
    const night = this.wiring.night();
    const all = this.wiring.tables();
    if (!door || !night) return warn("Not now", "No night is open, or the service is out of reach.");
    const chosen = new Set(all.filter(({ floor }) => floor === door.floor).map(({ number }) => number));
    const count = el("p", { class: "soft", role: "status" });
    const buttons = all.map(({ number }) =>
      el(
        "button",
        {
          class: "lease-table", type: "button", "aria-label": `Table ${number}`,
          onclick: () => choose(chosen.has(number) ? without(chosen, number) : [...chosen, number]),
        },
        number,
      ),
    );
    /** @param {Iterable<number>} numbers */
    const choose = (numbers) => {
      const wanted = [...numbers];
      chosen.clear();
      for (const number of wanted) chosen.add(number);
      all.forEach(({ number }, at) => mark(buttons[at], "aria-pressed", String(chosen.has(number))));
      const going = this.wiring.expected().filter(({ tables }) => tables.some((one) => chosen.has(one)));
      write(count, `${partiesText(going.length)} expected at ${chosen.size} tables`);
    };
    choose(chosen);
    const floors = [...new Set(all.map(({ floor }) => floor))];
    return showDialog("Take this tablet offline", (close) => [
      el(
        "p",
        {},
        "From then on only this tablet lets these parties in, with a network or without one. Other " +
          "doors have to ask it. Bring it back when the network is there again.",
      ),
      actForm(
        "Take offline",
        [
          group(
            "Parties at these tables",
            el(
              "div",
              { class: "segments" },
              [...floors, "all", "none"].map((floor) =>
                el(
                  "button",
                  {
                    type: "button",
                    onclick: () =>
                      choose(all.filter((one) => floor === "all" || one.floor === floor).map((one) => one.number)),
                  },
                  FLOOR_WORD[floor] ?? { all: "All", none: "None" }[floor] ?? floor,
                ),
              ),
            ),
          ),
          el("div", { class: "lease-tables" }, buttons),
          count,
        ],
        async () => {
          if (chosen.size === 0) throw new Error("Choose at least one table.");
          this.asked = true;
          offline.take(night, door.id, chosen.size === all.length ? undefined : [...chosen].sort((a, b) => a - b));
        },
        close,
      ),
    ]);
  }

  /** What it holds, what waits, and the way back. @param {OfflineDoor} offline */
  #status(offline) {
    const { view } = offline;
    const said = this.words;
    const lines = [
      view.asking && "The parties have been asked for; the answer has not come yet.",
      view.status === "ready" && `${partiesText(view.tickets)}: only this tablet lets them in.`,
      view.status === "ready" && `Without the network it goes on for ${spanText(view.left_ms)}.`,
      view.status !== "ready" && said !== null && said[1],
      view.status === "second_tab" && "The door is open in another window of this tablet. Close this one.",
      view.status === "revoked" && "This tablet's pairing has ended. It lets in nobody.",
      view.spool > 0 && `${scansText(view.spool)} waiting for the network. Each is told by itself as soon as it is there.`,
      view.refused > 0 && `${scansText(view.refused)} refused by the service. Show this to a manager:`,
    ].filter(Boolean);
    const refused = offline.refusals.map(({ name, people, reason }) =>
      el("li", {}, `${name || "A party"} × ${people}: ${reason}`),
    );
    const back = ["ready", "unsure", "over"].includes(view.status);
    return showDialog("This tablet offline", (close) => [
      ...lines.map((line) => el("p", {}, /** @type {string} */ (line))),
      refused.length > 0 && el("ul", { class: "soft" }, refused),
      el(
        "div",
        { class: "dialog-foot" },
        el("button", { class: "button", type: "button", onclick: close }, "Back"),
        back &&
          el(
            "button",
            {
              class: "button button-main", type: "button",
              onclick: () => {
                close();
                offline.giveBack();
              },
            },
            "Bring it back",
          ),
      ),
    ]);
  }
}

/** The bar's sign: its state and its words; null: there is nothing to say. @param {View} view @returns {[string, string] | null} */
function chipOf(view) {
  const waiting = view.spool > 0 ? `${scansText(view.spool)} waiting` : "";
  if (view.status === "revoked") return waiting ? ["bad", waiting] : null;
  const said = statusOf(view);
  if (!said) return waiting ? ["wait", waiting] : view.refused > 0 ? ["bad", `${scansText(view.refused)} refused`] : null;
  return [said[0], waiting ? `${waiting} · ${said[2]}` : said[1]];
}

/** Its state, its words, and the same beside a count of scans. @param {View} view @returns {[string, string, string] | null} */
function statusOf(view) {
  const left = spanText(view.left_ms);
  switch (view.status) {
    case "ready":
      return ["ready", `Holds ${partiesText(view.tickets)} · ${left}`, left];
    case "unsure":
      return ["wait", "Needs the network", "needs the network"];
    case "over":
      return ["bad", "Time is over", "time is over"];
    case "giving_back":
      return ["wait", "Giving back…", "giving back"];
    case "second_tab":
      return view.tickets > 0 ? ["wait", "Other window", "other window"] : null;
    default:
      return view.asking ? ["wait", "Asking…", "asking"] : null;
  }
}

/** @param {number} count */
function partiesText(count) {
  return `${count} ${count === 1 ? "party" : "parties"}`;
}

/** @param {number} count */
function scansText(count) {
  return `${count} ${count === 1 ? "scan" : "scans"}`;
}

/** @param {Set<number>} numbers @param {number} gone */
function without(numbers, gone) {
  return [...numbers].filter((one) => one !== gone);
}

/** Whether it comes true in time. @param {() => boolean} condition */
async function isTrue(condition) {
  for (const until = performance.now() + BACK_MS; performance.now() < until; ) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return condition();
}
