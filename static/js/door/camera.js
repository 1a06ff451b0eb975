// @ts-check
/** The tablet's own camera as a scanner, where the browser can read codes by itself. */

const AGAIN_MS = 3000; // a code counts as seen until it has been out of view for this long
const LOOK_MS = 120;

/** @returns {boolean} */
export function canUseCamera() {
  return "BarcodeDetector" in globalThis && Boolean(navigator.mediaDevices?.getUserMedia);
}

export class Camera {
  /** @param {HTMLVideoElement} video @param {(code: string) => void} onCode */
  constructor(video, onCode) {
    this.video = video;
    this.onCode = onCode;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Map<string, number>} when each code was in view last */
    this.seen = new Map();
    this.timer = 0;
  }

  get running() {
    return this.stream !== null;
  }

  async start() {
    this.stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
      audio: false,
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
    const detector = new Detector({ formats: ["qr_code"] });
    const look = async () => {
      if (!this.stream) return;
      try {
        for (const found of await detector.detect(this.video)) this.#found(found.rawValue);
      } finally {
        this.timer = window.setTimeout(look, LOOK_MS);
      }
    };
    look();
  }

  stop() {
    clearTimeout(this.timer);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  /** @param {string} code */
  #found(code) {
    const now = performance.now();
    const before = this.seen.get(code) ?? -Infinity;
    this.seen.set(code, now);
    for (const [old, at] of this.seen) if (now - at > AGAIN_MS) this.seen.delete(old);
    if (now - before > AGAIN_MS) this.onCode(code);
  }
}
