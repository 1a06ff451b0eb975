// @ts-check
/** The codes of a booking at the desk: issued again, and those of its guests. */

import { actForm, choice, field, showDialog } from "../dialog.js";
import { el } from "../elements.js";
import { guestsCard } from "../manage/guests.js";
import { tell } from "../toasts.js";
import { REISSUE_WHY, tablesText } from "../words.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page @param {string} id @param {any} booking @param {string} who */
export function askReissue(page, id, booking, who) {
  const label = `New code for ${tablesText(booking.tables)}`;
  return showDialog(`${who}: a new entry code`, (close) => [
    actForm(
      "Issue it again",
      [
        el(
          "p",
          {},
          "This revokes the old code, and those of the party's guests, at every door in contact. The guest gets the new one by message where we have an address.",
        ),
        field("Why", choice("reason", Object.entries(REISSUE_WHY))),
      ],
      async (data) => {
        const body = { reason: String(data.get("reason")) };
        const made = await page.commands.run(
          label, booking.tables, "POST", `/v1/bookings/${id}/reissue`, body, { silent: true },
        );
        if (made && !made.may_still_admit.length)
          tell(label, "No door in contact admits the old one any more.");
      },
      close,
      "button-danger",
    ),
  ]);
}

/** @param {string} id @param {string} who */
export function showGuests(id, who) {
  return showDialog(`${who}: guests' own codes`, () => [guestsCard(id)]);
}
