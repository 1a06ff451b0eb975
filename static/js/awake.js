// @ts-check
/** The screen stays on while it is of use: a wake lock, asked for again whenever it was lost. */

/**
 * @param {() => boolean} isOfUse
 * @returns {() => void} asks now, where it came to be of use
 */
export function stayAwake(isOfUse) {
  const { wakeLock } = /** @type {any} */ (navigator);
  if (!wakeLock) return () => {};
  /** @type {any} */
  let lock = null;
  let asking = false;
  const ask = async () => {
    if (asking || lock || document.hidden || !isOfUse()) return;
    asking = true;
    try {
      lock = await wakeLock.request("screen");
      lock.addEventListener("release", () => (lock = null));
    } catch {
      // A low battery: the system's own saving goes before ours.
    }
    asking = false;
  };
  document.addEventListener("visibilitychange", ask);
  ask();
  return ask;
}
