// @ts-check
/** The worker beside the door's page: pictures in, codes out, so that the screen never stutters. */

import { chooseReader } from "./reading.js";

const scope = /** @type {any} */ (globalThis);
const chosen = chooseReader(scope);
chosen.then(
  ({ by }) => scope.postMessage({ ready: by }),
  (error) => scope.postMessage({ broken: String(error) }),
);

scope.addEventListener("message", async (/** @type {MessageEvent} */ event) => {
  const { number, picture } = event.data;
  /** @type {string[]} */
  let codes = [];
  try {
    codes = await (await chosen).read(picture);
  } catch {
    // A picture that the reader cannot stomach has no codes.
  }
  picture.close();
  scope.postMessage({ number, codes });
});
