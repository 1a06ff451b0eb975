// @ts-check
/**
 * Who reads the codes in a picture: the browser's own detector where it knows QR codes, else the
 * vendored WebAssembly reader. Runs in the reader's worker.
 */

import { prepareZXingModule, readBarcodes } from "../../vendor/zxing-wasm/es/reader/index.js";

/**
 * @typedef {{by: "browser" | "wasm", read: (picture: ImageBitmap) => Promise<string[]>}} CodeReader
 */

const BINARY = "/static/vendor/zxing-wasm/reader/zxing_reader.wasm";
const CODES_MAX = 4; // more than one is told to step back; how many more does not matter
const OPTIONS = {
  // The whole family would read Micro QR into noise (docs/camera.md).
  formats: /** @type {any} */ (["QRCodeModel2"]),
  maxNumberOfSymbols: CODES_MAX,
  tryInvert: false, // our codes lie dark on light, on every screen and print
  textMode: /** @type {any} */ ("Plain"),
};

/**
 * @param {any} scope the worker's globals
 * @returns {Promise<CodeReader>}
 */
export async function chooseReader(scope) {
  const Detector = scope.BarcodeDetector;
  if (Detector) {
    try {
      const formats = await Detector.getSupportedFormats();
      if (formats.includes("qr_code")) return browserReader(new Detector({ formats: ["qr_code"] }));
    } catch {
      // Some browsers have the name of a detector without the thing: the other reader is there.
    }
  }
  return wasmReader(scope);
}

/** @param {any} detector @returns {CodeReader} */
function browserReader(detector) {
  return {
    by: "browser",
    read: async (picture) =>
      (await detector.detect(picture)).map((/** @type {any} */ found) => found.rawValue),
  };
}

/** @param {any} scope @returns {Promise<CodeReader>} */
async function wasmReader(scope) {
  await prepareZXingModule({
    overrides: { locateFile: () => BINARY },
    fireImmediately: true,
  });
  const canvas = new scope.OffscreenCanvas(1, 1);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return {
    by: "wasm",
    async read(picture) {
      const { width, height } = picture;
      if (canvas.width !== width || canvas.height !== height)
        Object.assign(canvas, { width, height });
      context.drawImage(picture, 0, 0);
      const found = await readBarcodes(context.getImageData(0, 0, width, height), OPTIONS);
      return found.filter((one) => one.isValid).map((one) => one.text);
    },
  };
}
