// @ts-check
/** The page's end of its service worker: installed once, taken over by a new release when quiet. */

import { scriptAt } from "./scripts.js";

const WORKER = "/door-worker.js";
const LOOK_EVERY_MS = 30 * 60_000;
const QUIET_EVERY_MS = 2000;

/**
 * Without a worker (a plain http address that is not this machine, a browser without one) the page
 * is as good as the network.
 * @param {() => boolean} isQuiet nobody would notice that the page begins again
 */
export async function keepShell(isQuiet) {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  let leaving = false;
  const had = Boolean(serviceWorker.controller);
  serviceWorker.addEventListener("controllerchange", () => {
    if (!had || leaving) return; // the first one takes nothing away from anybody
    leaving = true;
    location.reload();
  });
  try {
    const ours = await serviceWorker.register(scriptAt(WORKER), {
      scope: "/door",
      updateViaCache: "none",
    });
    setInterval(() => ours.update().catch(() => null), LOOK_EVERY_MS);
    window.addEventListener("online", () => ours.update().catch(() => null));
    setInterval(() => {
      if (ours.waiting && isQuiet()) ours.waiting.postMessage("take over");
    }, QUIET_EVERY_MS);
  } catch (error) {
    console.info("The door will not open without a network", error);
  }
}
