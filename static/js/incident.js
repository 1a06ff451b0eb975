// @ts-check
/**
 * What happened at a door, written into the night's book by words of a list. Who it was stands in
 * the club's own register, under the number that the answer gives: the book never forgets.
 */

import { send } from "./api.js";
import { actForm, choice, field, group, showDialog, stepper } from "./dialog.js";
import { el } from "./elements.js";
import { tell } from "./toasts.js";

/** @type {Object<string, string>} */
const INCIDENT_KIND = {
  ejection: "Put out of the house",
  refused_at_sight: "Kept out at sight",
  fight: "Fight",
  injury: "Injury",
  medical: "Somebody ill",
  theft: "Theft",
  drugs: "Drugs",
  weapon: "Weapon",
  harassment: "Harassment",
  damage: "Damage",
  vulnerable: "Somebody looked after",
  official_visit: "Police, licensing or fire officers",
  other: "Something else",
};
/** @type {Object<string, string>} */
const INCIDENT_OUTCOME = {
  settled: "Settled here",
  sent_home: "Sent home",
  banned: "Banned",
  first_aid: "First aid",
  ambulance: "Ambulance",
  police: "Police",
  fire_service: "Fire service",
  handed_over: "Handed over",
  other: "Something else",
};

/**
 * @param {{night: string, doors: {id: string, name: string}[], door: string | null}} at
 *   `door`: the one that is offered first
 */
export function askIncident({ night, doors, door }) {
  let people = 1;
  return showDialog("Record an incident", (close) => [
    actForm(
      "Record it",
      [
        field("What happened", choice("kind", Object.entries(INCIDENT_KIND))),
        field("What came of it", choice("outcome", Object.entries(INCIDENT_OUTCOME))),
        el(
          "div",
          { class: "form-row" },
          field("Door", choice("door", doors.map((one) => [one.id, one.name]), door)),
          group("People", stepper("people", people, 0, 60, (to) => (people = to))),
        ),
        el(
          "p",
          { class: "small soft" },
          "No names: the book is kept for ever. Who it was, and who saw it, goes into the club's register. People who leave are counted by their code or the clicker.",
        ),
      ],
      async (data) => {
        const made = await send("POST", "/v1/incidents", {
          night,
          door: String(data.get("door")),
          kind: String(data.get("kind")),
          outcome: String(data.get("outcome")),
          people,
        });
        tell("Recorded", `Number for the register: ${made.incident_id.slice(0, 8).toUpperCase()}`);
      },
      close,
    ),
  ]);
}
