// @ts-check
/** A screen that shows a code stays on, where the browser can; it is let go with the page. */

/** Asks again whenever the page comes back, because a hidden page loses its lock. */
export function stayAwakeWhile(/** @type {() => boolean} */ shown) {
  document.addEventListener("visibilitychange", () => stayAwake(shown));
}

/** @param {() => boolean} shown whether the code is on the screen */
export async function stayAwake(shown) {
  if (!shown() || document.hidden || !navigator.wakeLock) return;
  try {
    await navigator.wakeLock.request("screen");
  } catch {
    // A battery that is nearly empty says no; the code is shown all the same.
  }
}
