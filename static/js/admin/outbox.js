// @ts-check
/** What customers were told: what went out, waits, was kept or given up; read it, send it again. */

import { read } from "../api.js";
import { showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { tell, tellProblem } from "../toasts.js";
import { nightText } from "../venue-clock.js";
import { referenceText } from "../words.js";
import { named, nothing, rowButton, tableOf, tag } from "./list.js";
import { CHANNEL_WORD, MESSAGE_REASON, MESSAGE_WORD } from "./says.js";
import { whenText } from "./when.js";

/** @type {Object<string, [string, "good" | "warn" | "bad" | ""]>} */
const STATUS = {
  waiting: ["waiting", "warn"],
  sent: ["sent", "good"],
  kept: ["not sent", ""],
  dropped: ["not needed", ""],
  dead: ["given up", "bad"],
};

export class Outbox {
  /** @param {import("./desk.js").Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.lively = true;
    this.status = "";
  }

  async load() {
    const filter = this.status ? `&status=${this.status}` : "";
    return read(`/v1/outbox?limit=100${filter}`);
  }

  /** @param {any} found */
  draw(found) {
    return [
      this.#switch(),
      summary(found),
      found.messages.length
        ? this.#list(found.messages)
        : nothing("No message here", "A message stands here when a booking is confirmed or changes."),
    ];
  }

  #switch() {
    const button = (/** @type {string} */ status, /** @type {string} */ words) =>
      el(
        "button",
        {
          type: "button",
          "aria-pressed": String(this.status === status),
          "data-key": `status:${status}`,
          onclick: () => {
            this.status = status;
            return this.desk.refresh();
          },
        },
        words,
      );
    return el(
      "div",
      { class: "segments section-switch", role: "group", "aria-label": "Which messages" },
      button("", "All"),
      button("dead", "Given up"),
      button("waiting", "Waiting"),
      button("kept", "Not sent"),
    );
  }

  /** @param {any[]} messages */
  #list(messages) {
    return tableOf(
      "Messages to customers",
      [
        {
          title: "Message",
          cell: (one) => named(MESSAGE_WORD[one.kind] ?? one.kind, CHANNEL_WORD[one.channel]),
        },
        {
          title: "Booking",
          cell: (one) =>
            one.reference
              ? named(referenceText(one.reference), nightText(one.night))
              : el("span", { class: "soft" }, "Waiting list"),
        },
        { title: "Made", cell: (one) => whenText(one.made_at) },
        { title: "State", cell: stateOf },
        { title: "Actions", look: "acts", cell: (one) => this.#buttons(one) },
      ],
      messages,
      { id: (one) => one.message_id, off: (one) => one.status === "dropped" },
    );
  }

  /** @param {any} one */
  #buttons(one) {
    const about = `${MESSAGE_WORD[one.kind] ?? one.kind}, ${whenText(one.made_at)}`;
    const again = one.status === "dead" || one.status === "kept";
    return [
      rowButton("Read", `${one.message_id}:read`, () => readMessage(one), { about }),
      again && rowButton("Send again", `${one.message_id}:replay`, () => this.#replay(one), { about }),
    ];
  }

  /** @param {any} one */
  async #replay(one) {
    try {
      await this.desk.command("POST", `/v1/outbox/${one.message_id}/replay`);
      tell("It is on its way again", MESSAGE_WORD[one.kind] ?? one.kind);
    } catch (problem) {
      tellProblem(problem, "Not sent again");
    }
    await this.desk.refresh();
  }
}

/** @param {any} found */
function summary({ waiting, dead, oldest_seconds: oldest, sends }) {
  const kept = Object.keys(sends).filter((way) => !sends[way]);
  return el(
    "p",
    { class: "soft" },
    `${waiting} waiting${oldest >= 60 ? `, the first for ${Math.floor(oldest / 60)} min` : ""}. ${dead} given up.`,
    kept.length > 0 &&
      ` Nothing is sent by ${kept.map((way) => CHANNEL_WORD[way] ?? way).join(" or ")}: no service for it is set up.`,
  );
}

/** @param {any} one */
function stateOf(one) {
  const [word, tone] = STATUS[one.status];
  return named(
    tag(word, tone),
    one.reason && (MESSAGE_REASON[one.reason] ?? one.reason.replaceAll("_", " ")),
    one.status === "waiting" && one.attempts > 0 && `tried ${one.attempts} ×, next ${whenText(one.next_try_at)}`,
  );
}

/** @param {any} one */
async function readMessage(one) {
  try {
    const said = await read(`/v1/outbox/${one.message_id}`);
    const silent = said.silent && (MESSAGE_REASON[said.silent] ?? said.silent);
    await showDialog(MESSAGE_WORD[one.kind] ?? "Message", () => [
      el(
        "div",
        { class: "form" },
        said.to && el("p", { class: "soft" }, `To ${said.to}`),
        said.subject && el("p", {}, el("strong", {}, said.subject)),
        said.text && el("p", { class: "message-text" }, said.text),
        silent && el("p", { class: "soft" }, `It says nothing any more: ${silent}.`),
      ),
    ]);
  } catch (problem) {
    tellProblem(problem, "Not shown");
  }
}
