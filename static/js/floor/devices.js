// @ts-check
/** How the door's cameras and tablets are, on the map: what is wrong stands there within five seconds. */

import { read } from "../api.js";
import { byId, el, fill } from "../elements.js";

/**
 * @typedef {{device_id: string, name: string, kind: string, state: string, picture: string | null,
 *   battery_percent: number | null, spool: number | null, silent_seconds: number | null}} Device
 */

const EVERY_MS = 1500;

/** Asks as long as the page is looked at. */
export function watchDevices() {
  let drawn = "";
  const look = async () => {
    if (!document.hidden) {
      try {
        const { devices } = await read("/v1/devices/health");
        const said = JSON.stringify(
          devices.map((/** @type {Device} */ one) => [one.device_id, one.name, sayingOf(one)]),
        );
        if (said !== drawn) draw(devices);
        drawn = said;
      } catch {
        // The connection's own sign says that the service is away.
      }
    }
    setTimeout(look, EVERY_MS);
  };
  look();
}

/** Those that need somebody each by its name; the others by their number. @param {Device[]} devices */
function draw(devices) {
  const place = byId("devices");
  const troubled = devices.filter(({ state }) => state !== "well");
  const well = devices.length - troubled.length;
  place.hidden = devices.length === 0;
  fill(
    place,
    troubled.map((one) =>
      el(
        "li",
        { class: "device", "data-state": one.state, "data-id": one.device_id },
        el("i", { class: "device-shape", "aria-hidden": "true" }),
        el("b", {}, one.name),
        ` ${sayingOf(one)}`,
      ),
    ),
    well > 0 &&
      el(
        "li",
        { class: "device", "data-state": "well" },
        el("i", { class: "device-shape", "aria-hidden": "true" }),
        `${well} ${well === 1 ? "device" : "devices"} well`,
      ),
  );
}

/** @param {Device} device */
function sayingOf(device) {
  switch (device.state) {
    case "silent":
      return device.silent_seconds === null ? "never heard of" : "out of contact";
    case "no_picture":
      return `no picture: ${device.picture}`;
    case "battery_low":
      return `battery ${device.battery_percent} %`;
    case "uploading":
      return `${device.spool} to be told`;
    default:
      return "";
  }
}
