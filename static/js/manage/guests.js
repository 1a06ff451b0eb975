// @ts-check
/** The guests of the party who have a code of their own: handed out, sent again, taken back. */

import { read, send } from "../api.js";
import { actForm, askSure, field, showDialog } from "../dialog.js";
import { el, fill } from "../elements.js";
import { showLink } from "../share.js";
import { tell, tellProblem } from "../toasts.js";

/** @typedef {{number: number, state: string, name: string | null, link: string | null}} Place */

/** @type {Object<string, string>} */
const STATE = {
  free: "no code of their own",
  out: "has a code",
  inside: "inside",
  left: "went out",
  over: "code ended with the booking's",
};

/** The list, drawn into a card of its own; it asks for itself. @param {string} id @param {string} [token] without it, who is signed in */
export function guestsCard(id, token) {
  const list = el("ul", { class: "guest-list" });
  const path = `/v1/bookings/${id}/guests`;
  const draw = async () => {
    try {
      const { places, party } = await read(path, { token });
      fill(list, places.map((/** @type {Place} */ place) => row(place, party)));
    } catch (error) {
      tellProblem(error, "Your guests cannot be shown");
    }
  };

  /** @param {Place} place @param {number} party */
  function row(place, party) {
    const who = place.name ?? `Guest ${place.number}`;
    const given = place.link !== null;
    return el(
      "li",
      { "data-state": place.state },
      el(
        "span",
        { class: "guest-who" },
        el("bdi", {}, who),
        el("span", { class: "small soft" }, `${place.number} of ${party}, ${STATE[place.state]}`),
      ),
      el(
        "button",
        {
          class: "button",
          type: "button",
          "data-guest": place.number,
          onclick: () => (given ? change(place, who) : give(place)),
        },
        given ? "Send or change" : "Give a code",
      ),
    );
  }

  /** @param {Place} place */
  async function give(place) {
    /** @type {any} */
    let made = null;
    const input = el("input", {
      class: "input", name: "name", maxlength: "120", autocomplete: "off", value: place.name ?? "",
    });
    await showDialog(`Guest ${place.number}`, (close) => [
      actForm(
        "Make the link",
        [field("What you call them, if you like", input, "It stands on their page, and nowhere at the door.")],
        async (data) => {
          const name = String(data.get("name") ?? "").trim();
          const body = { number: place.number, ...(name ? { name } : {}) };
          made = await send("POST", path, body, { token });
        },
        close,
      ),
    ]);
    if (made === null) return;
    await draw();
    await sendLink(made.link, place.number);
  }

  /** @param {Place} place @param {string} who */
  async function change(place, who) {
    await showDialog(who, (close) => [
      el(
        "div",
        { class: "card-actions" },
        does("Send the link", () => sendLink(/** @type {string} */ (place.link), place.number)),
        does("New code", () => renew(place)),
        place.state !== "inside" && does("Take the code back", () => takeBack(place, who), "button-danger"),
      ),
    ]);

    /** @param {string} label @param {() => unknown} act @param {string} [look] */
    function does(label, act, look = "") {
      const onclick = (/** @type {Event} */ event) => {
        /** @type {HTMLElement} */ (event.currentTarget).closest("dialog")?.close();
        act();
      };
      return el("button", { class: `button ${look}`, type: "button", onclick }, label);
    }
  }

  /** @param {Place} place */
  async function renew(place) {
    const text = "The code that they have stops working at once, and a new link is made.";
    if (!(await askSure("A new code?", text, "Make a new one"))) return;
    try {
      const made = await send("POST", path, { number: place.number }, { token });
      await draw();
      await sendLink(made.link, place.number);
    } catch (error) {
      tellProblem(error, "No new code was made");
    }
  }

  /** @param {Place} place @param {string} who */
  async function takeBack(place, who) {
    const text = "The code stops working at once. Their place stays yours to give.";
    if (!(await askSure("Take the code back?", text, "Take it back"))) return;
    try {
      await send("DELETE", `${path}/${place.number}`, {}, { token });
      tell("Taken back", `${who} has no code any more.`);
    } catch (error) {
      tellProblem(error, "The code was not taken back");
    }
    await draw();
  }

  draw();
  return el(
    "section",
    { class: "card", "aria-labelledby": "guests-title" },
    el("h2", { class: "eyebrow", id: "guests-title" }, token ? "Your guests" : "The party's guests"),
    el(
      "p",
      { class: "soft small" },
      `Whoever comes on their own can have a code of their own. Each lets one person in; together with ${
        token ? "yours they let in your" : "the booker's they let in the"
      } party, and nobody more.`,
    ),
    list,
  );
}

/** @param {string} link @param {number} number */
function sendLink(link, number) {
  return showLink(
    `Code of guest ${number}`,
    "It opens this guest's own entry code, for one person. Send it to them alone.",
    `${location.origin}${link}`,
    "Link to the guest's code",
  );
}
