// @ts-check
/** The picture that pairs a device: big, for ten minutes, gone as soon as it was used. */

import { read } from "../api.js";
import { showDialog } from "../dialog.js";
import { el, fill, mark, write } from "../elements.js";
import { countdownText } from "../venue-clock.js";
import { copyField } from "./forms.js";

const ASK_MS = 2000;
const URGENT_MS = 60_000;

/**
 * Shows the code until it is used, is over, or the dialog is closed.
 * @param {import("./desk.js").Desk} desk @param {any} device the answer that holds the pairing
 * @param {string | null} pairedAt when it was paired before
 */
export async function showPairing(desk, device, pairedAt) {
  const { pairing } = device;
  const count = el("p", { class: "pairing-count", role: "timer" }, "");
  const picture = el("img", {
    class: "pairing-picture",
    id: "pairing-picture",
    width: 320,
    height: 320,
    alt: "Code that pairs the device",
    src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(pairing.svg)}`,
  });
  const state = el("div", { class: "pairing", role: "status" });
  let over = false;
  const tick = () => {
    const left = Date.parse(pairing.expires_at) - desk.clock.now();
    write(count, `Valid for ${countdownText(left)}`);
    mark(count, "data-urgent", left < URGENT_MS ? "" : null);
    if (left <= 0 && !over) finish("This code is over", "Close this, and press “Pair” for another.");
  };
  /** @param {string} title @param {string} text */
  const finish = (title, text) => {
    over = true;
    clearInterval(ticking);
    clearInterval(asking);
    fill(state, el("h3", {}, title), el("p", { class: "soft" }, text));
    picture.remove();
    count.remove();
  };
  const ask = async () => {
    const { devices } = await read("/v1/devices").catch(() => ({ devices: [] }));
    const now = devices.find((/** @type {any} */ one) => one.device_id === device.device_id);
    if (!over && now?.paired_at && now.paired_at !== pairedAt)
      finish("Paired", `${device.name} works at ${desk.doorName(device.door)} from now on.`);
  };
  const ticking = setInterval(tick, 500);
  const asking = setInterval(ask, ASK_MS);
  tick();
  await showDialog(`Pair ${device.name}`, (close) => [
    state,
    picture,
    count,
    device.kind === "camera"
      ? el("p", { class: "soft" }, "Give the code to the camera's program. It works once.")
      : el("p", { class: "soft" }, "Point the tablet's camera at it and open the page. It works once."),
    el(
      "details",
      { class: "pairing-more" },
      el("summary", {}, "The address and the code, to type"),
      pairing.address && copyField("Address", addressOf(pairing.address)),
      copyField("Code", pairing.code),
    ),
    el(
      "div",
      { class: "dialog-foot" },
      el("button", { class: "button", type: "button", onclick: close }, "Done"),
    ),
  ]);
  clearInterval(ticking);
  clearInterval(asking);
}

/** The whole address; the service may not know by which name it is reached. @param {string} text */
function addressOf(text) {
  return new URL(text, location.origin).href;
}
