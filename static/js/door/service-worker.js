// @ts-check
/**
 * The door opens without a network: this keeps one whole release of the page and its files.
 *
 * The service writes `RELEASE` above this text: the release's name and each file with its hash. A
 * changed file is another text, so the browser installs a new worker beside the one at work. It
 * fetches every file, compares it with its hash, and only a whole release is kept: a page is never
 * of two. It waits until the door has a quiet moment and says so (`take over`).
 *
 * Nothing of the interface passes through here: no answer, no name and no token is ever kept.
 */

/** @type {{name: string, page: string, files: Record<string, string>}} */
// @ts-ignore: the service writes it
const release = RELEASE;
const CACHE = `door ${release.name}`;
const OURS = /^door /;
const scope = /** @type {any} */ (globalThis);

scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
scope.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data === "take over") scope.skipWaiting();
});
scope.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const path = pathOf(request);
  if (path !== null) event.respondWith(answer(request, path));
});

/** All files or none. */
async function install() {
  const kept = await Promise.all(
    Object.entries(release.files).map(async ([path, hash]) => {
      const response = await fetch(path, { cache: "no-cache", credentials: "same-origin" });
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      const body = await response.clone().arrayBuffer();
      if ((await hashOf(body)) !== hash) throw new Error(`${path} is of another release`);
      return /** @type {[string, Response]} */ ([path, response]);
    }),
  );
  const cache = await caches.open(CACHE);
  for (const [path, response] of kept) await cache.put(path, response);
}

/** What other releases kept is thrown away once this one is at work. */
async function activate() {
  for (const name of await caches.keys())
    if (OURS.test(name) && name !== CACHE) await caches.delete(name);
}

/** The path of a file of the release, null of anything else. @param {Request} request */
function pathOf(request) {
  if (request.method !== "GET") return null;
  const { origin, pathname } = new URL(request.url);
  if (origin !== scope.location.origin) return null;
  if (request.mode === "navigate") return pathname === release.page ? pathname : null;
  return Object.hasOwn(release.files, pathname) ? pathname : null;
}

/** @param {Request} request @param {string} path */
async function answer(request, path) {
  // A storage that was cleared by hand, or by a full tablet: the network is the way back.
  return (await (await caches.open(CACHE)).match(path)) ?? fetch(request);
}

/** As the service writes it. @param {ArrayBuffer} body */
async function hashOf(body) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return [...digest].map((one) => one.toString(16).padStart(2, "0")).join("");
}
