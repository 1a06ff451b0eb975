// @ts-check
/** Who holds this tablet: a PIN says whose acts these are, until it is given back or lies idle. */

import { read, send } from "../api.js";
import { actForm, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";

/** Asks who takes the tablet, and for their PIN. @returns {Promise<void>} */
export async function takeTablet() {
  const { staff } = await read("/v1/session/pins");
  await showDialog("Who holds this tablet?", (close) =>
    staff.length === 0
      ? [
          el(
            "p",
            { class: "soft" },
            "Nobody has a PIN for this door yet. Staff choose one when signed in, or an " +
              "administrator gives them one.",
          ),
        ]
      : [
          actForm(
            "Take it",
            [
              field("Name", el("select", { class: "input", name: "staff_id" }, options(staff))),
              field(
                "PIN",
                el("input", {
                  class: "input",
                  name: "pin",
                  type: "password",
                  inputmode: "numeric",
                  pattern: "[0-9]{4,8}",
                  title: "four to eight digits",
                  maxlength: "8",
                  autocomplete: "off",
                  required: true,
                }),
              ),
            ],
            (data) =>
              send("POST", "/v1/session/pin", Object.fromEntries(data.entries()), { attempts: 1 }),
            close,
          ),
        ],
  );
}

/** The tablet acts as itself again. */
export function giveBack() {
  return send("DELETE", "/v1/session");
}

/** @param {{staff_id: string, name: string}[]} staff */
function options(staff) {
  return staff.map((one) => el("option", { value: one.staff_id }, one.name));
}
