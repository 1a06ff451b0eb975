// @ts-check
/** Against the rule: a supervisor's PIN and a reason of the list; the book names both. */

import { read, send } from "../api.js";
import { actForm, choice, field, group, showDialog, stepper } from "../dialog.js";
import { el } from "../elements.js";

/**
 * @typedef {import("./scanner.js").Scan} Scan
 * @typedef {[string, string][]} Reasons word of the list, and what it says
 */

/** @type {Reasons} */
const OVERRIDE = [
  ["known_guest", "The supervisor knows them"],
  ["guest_of_the_house", "Invited by the club"],
  ["booker_vouches", "The booker came to the door"],
  ["counted_wrong", "The count is wrong, not the guest"],
  ["device_at_fault", "A device read or counted wrongly"],
  ["other", "Something else"],
];
/** @type {Reasons} */
const UNDO = [
  ["wrong_guest", "Somebody else's code"],
  ["wrong_number", "More or fewer people"],
  ["scanned_twice", "The same people twice"],
  ["did_not_enter", "They turned round"],
  ["device_at_fault", "A device read or counted wrongly"],
  ["other", "Something else"],
];
const PEOPLE_MAX = 10;

/**
 * Lets in against the rule. Resolves to the answer, or null when nobody did.
 * @param {Scan} scan @param {boolean} isDevice
 */
export function askOverride(scan, isDevice) {
  const wanted = scan.body.people ?? 1;
  return ask("Let in against the rule", "Override", scan, OVERRIDE, isDevice, [
    group("People", stepper("people", wanted, 1, Math.max(PEOPLE_MAX, wanted))),
  ]);
}

/** Takes the scan's people back. @param {Scan} scan @param {boolean} isDevice */
export function askUndo(scan, isDevice) {
  return ask("Take this scan back", "Undo", scan, UNDO, isDevice, []);
}

/**
 * @param {string} title @param {"Override" | "Undo"} verb @param {Scan} scan @param {Reasons} reasons
 * @param {boolean} isDevice @param {Node[]} more
 * @returns {Promise<Object<string, any> | null>}
 */
async function ask(title, verb, scan, reasons, isDevice, more) {
  const supervisors = isDevice ? await whoMay() : [];
  /** @type {Object<string, any> | null} */
  let answer = null;
  await showDialog(title, (close) => [
    isDevice && supervisors.length === 0
      ? el("p", { class: "soft" }, "No supervisor has a PIN for this door. Call the manager.")
      : actForm(
          verb,
          [
            isDevice && field("Supervisor", choice("staff_id", supervisors)),
            field(
              isDevice ? "Their PIN" : "Your PIN",
              el("input", {
                class: "input", name: "pin", type: "password", inputmode: "numeric",
                pattern: "[0-9]{4,8}", title: "four to eight digits", maxlength: "8",
                autocomplete: "off", required: true,
              }),
            ),
            field("Why", choice("reason", reasons)),
            ...more,
          ],
          async (data) => {
            const { staff_id, pin, reason, people } = Object.fromEntries(data.entries());
            answer = await send(
              "POST",
              `/v1/scans/${scan.verdict?.scan_id ?? scan.body.scan_id}/${verb.toLowerCase()}`,
              {
                supervisor: staff_id ? { staff_id, pin } : { pin },
                reason,
                ...(people === undefined ? {} : { people: Number(people) }),
              },
            );
          },
          close,
          verb === "Undo" ? "button-danger" : "button-main",
        ),
  ]);
  return answer;
}

/** Those who may, of this door. @returns {Promise<Reasons>} */
async function whoMay() {
  const { staff } = await read("/v1/session/pins");
  return staff
    .filter((/** @type {any} */ one) => one.supervisor)
    .map((/** @type {any} */ one) => [one.staff_id, one.name]);
}
