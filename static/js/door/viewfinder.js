// @ts-check
/** The camera's button, its picture, and what it says when it cannot. */

import { byId, fill, mark, write } from "../elements.js";
import { icon } from "../icons.js";
import { Camera, canUseCamera } from "./camera.js";

const WISH_KEY = "backroom.camera"; // a tablet that scans by camera starts with it the next time

/** @type {Record<import("./camera.js").CameraState, string>} */
const HINTS = {
  off: "",
  on: "",
  starting: "Starting the camera…",
  asleep: "The camera sleeps. Touch to wake it.",
  refused: "The browser did not give the camera. Allow it in the page's settings.",
  broken: "The camera stopped. Touch Camera to start it again, or type the reference.",
};

/**
 * @param {(code: string) => void} onCode
 * @returns {Camera | null} null: this browser has no camera for a page
 */
export function offerCamera(onCode) {
  if (!canUseCamera()) return null;
  const button = byId("camera");
  const video = /** @type {HTMLVideoElement} */ (byId("viewfinder"));
  let crowded = false;
  const camera = new Camera(video, {
    onCode,
    onCrowd: (now) => {
      if (now && !crowded) navigator.vibrate?.([40, 40, 40]);
      crowded = now;
      draw();
    },
    onState: () => draw(),
  });
  const draw = () => {
    const { state } = camera;
    video.hidden = state !== "on";
    mark(byId("ready"), "data-camera", state === "off" ? null : state);
    mark(byId("ready"), "data-crowded", crowded ? "" : null);
    mark(button, "aria-pressed", String(camera.isOn || state === "asleep"));
    const hint = byId("hint");
    write(hint, crowded ? "▲ One code at a time" : HINTS[state]);
    hint.hidden = hint.textContent === "";
  };
  fill(button, icon("camera"), "Camera");
  button.hidden = false;
  button.addEventListener("click", () => {
    const on = camera.isOn || camera.state === "asleep";
    localStorage.setItem(WISH_KEY, on ? "" : "on");
    if (on) camera.stop();
    else camera.start();
  });
  if (localStorage.getItem(WISH_KEY)) camera.start();
  return camera;
}
