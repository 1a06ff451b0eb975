// @ts-check
/**
 * The tablet's own camera as a scanner: pictures to the reader, each new code to the door.
 *
 * It looks some fifteen times a second while guests come, less often when nobody has for a while, not
 * at all while the page is hidden or has had nothing to do for ten minutes: a lens that runs all
 * night empties the battery before the last entry.
 */

import { Reader, ReaderBroken } from "./reader.js";
import { Sightings } from "./sightings.js";

const LOOK_MS = 60; // from one look to the next, while guests come
const REST_MS = 8;
const CALM_AFTER_MS = 30_000;
const CALM_LOOK_MS = 250;
const SLEEP_AFTER_MS = 10 * 60_000;
const WIDTH_MAX = 1280; // a code at arm's length has 6 to 10 pixels a module there
const FAILURES_MAX = 3;

/**
 * @typedef {"off" | "starting" | "on" | "asleep" | "refused" | "broken"} CameraState
 * @typedef {{onCode: (code: string) => void, onCrowd: (crowded: boolean) => void,
 *   onState: (state: CameraState) => void}} CameraWiring
 */

/** @returns {boolean} */
export function canUseCamera() {
  return Boolean(navigator.mediaDevices?.getUserMedia);
}

export class Camera {
  /** @param {HTMLVideoElement} video @param {CameraWiring} wiring */
  constructor(video, wiring) {
    this.video = video;
    this.wiring = wiring;
    this.reader = new Reader();
    this.sightings = new Sightings();
    /** @type {CameraState} */
    this.state = "off";
    /** @type {MediaStream | null} */
    this.stream = null;
    this.timer = 0;
    this.usedAt = 0;
    this.failures = 0;
    document.addEventListener("visibilitychange", () =>
      document.hidden ? this.#rest() : this.state === "asleep" && this.start(),
    );
  }

  get isOn() {
    return this.state === "on" || this.state === "starting";
  }

  /** Somebody is at work: a camera that fell asleep wakes up. */
  touch() {
    this.usedAt = performance.now();
    if (this.state === "asleep") this.start();
  }

  async start() {
    if (this.isOn) return;
    this.usedAt = performance.now();
    this.#set("starting");
    const reading = this.reader.start();
    reading.catch(() => null); // told below, after the camera's own trouble
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        video: {
          facingMode: "environment",
          width: { ideal: 1280 },
          height: { ideal: 720 },
          frameRate: { ideal: 30 },
        },
        audio: false,
      });
      if (this.state !== "starting") return stream.getTracks().forEach((track) => track.stop());
      this.stream = stream;
      // The cable is pulled, or another page takes the camera.
      stream.getVideoTracks()[0].addEventListener("ended", () => this.#end("broken"));
      this.video.srcObject = stream;
      await this.video.play();
    } catch (error) {
      console.info(error);
      return this.#end("refused");
    }
    try {
      await reading;
    } catch (error) {
      console.info(error);
      return this.#end("broken");
    }
    if (this.state !== "starting") return;
    this.failures = 0;
    this.#set("on");
    this.#look();
  }

  stop() {
    this.#end("off");
  }

  #rest() {
    if (this.isOn) this.#end("asleep");
  }

  /** @param {CameraState} state */
  #end(state) {
    clearTimeout(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
    this.wiring.onCrowd(false);
    this.#set(state);
  }

  async #look() {
    const { stream } = this;
    const began = performance.now();
    if (began - this.usedAt > SLEEP_AFTER_MS) return this.#rest();
    try {
      if (this.video.readyState >= 2) this.#noticed(await this.reader.read(await this.#picture()));
      this.failures = 0;
    } catch (error) {
      this.failures += error instanceof ReaderBroken ? 1 : 0.1;
      if (this.failures >= FAILURES_MAX && this.stream === stream) return this.#end("broken");
    }
    if (this.stream !== stream || !stream) return;
    const now = performance.now();
    const wish = now - this.usedAt > CALM_AFTER_MS ? CALM_LOOK_MS : LOOK_MS;
    // The reader has a thread of its own; a slow one is given a breath between two pictures.
    this.timer = window.setTimeout(() => this.#look(), Math.max(REST_MS, wish - (now - began)));
  }

  #picture() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const most = Math.max(width, height);
    if (most <= WIDTH_MAX) return createImageBitmap(this.video);
    const scale = WIDTH_MAX / most;
    return createImageBitmap(this.video, {
      resizeWidth: Math.round(width * scale),
      resizeHeight: Math.round(height * scale),
    });
  }

  /** @param {string[]} codes */
  #noticed(codes) {
    const now = performance.now();
    const { fresh, crowded } = this.sightings.notice(codes, now);
    if (codes.length > 0) this.usedAt = now;
    this.wiring.onCrowd(crowded);
    if (fresh !== null) this.wiring.onCode(fresh);
  }

  /** @param {CameraState} state */
  #set(state) {
    this.state = state;
    this.wiring.onState(state);
  }
}
