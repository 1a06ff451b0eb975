// @ts-check
/** Sound and vibration for ears and hands: each verdict has its own, told apart without looking. */

/** @type {AudioContext | null} */
let audio = null;

/** Browsers allow sound only after a touch or key; call this from one. */
export function allowSound() {
  audio ??= new AudioContext();
  if (audio.state === "suspended") audio.resume();
}

/** Notes as [frequency in Hz, start in s, length in s, wave]. @type {Object<string, [number, number, number, OscillatorType][]>} */
const NOTES = {
  admit: [
    [660, 0, 0.11, "sine"],
    [990, 0.12, 0.2, "sine"],
  ],
  out: [
    [990, 0, 0.11, "sine"],
    [660, 0.12, 0.2, "sine"],
  ],
  wait: [
    [520, 0, 0.13, "triangle"],
    [520, 0.22, 0.13, "triangle"],
    [520, 0.44, 0.13, "triangle"],
  ],
  refuse: [
    [170, 0, 0.5, "sawtooth"],
    [120, 0.12, 0.45, "square"],
  ],
};

/** Milliseconds on and off. @type {Object<string, number[]>} */
const BUZZES = { admit: [70], out: [70, 60, 70], wait: [120, 100, 120, 100, 120], refuse: [500] };

/** @param {"admit" | "out" | "wait" | "refuse"} verdict */
export function signal(verdict) {
  navigator.vibrate?.(BUZZES[verdict]);
  if (audio?.state !== "running") return;
  for (const [frequency, start, length, wave] of NOTES[verdict]) {
    const at = audio.currentTime + start;
    const tone = new OscillatorNode(audio, { frequency, type: wave });
    const loudness = new GainNode(audio, { gain: 0 });
    loudness.gain.linearRampToValueAtTime(0.35, at + 0.01);
    loudness.gain.setValueAtTime(0.35, at + length - 0.04);
    loudness.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
}
