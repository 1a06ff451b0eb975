// @ts-check
/**
 * The scripts that the door starts beside its page. The page's policy takes addresses of scripts
 * from the Trusted Types policy `backroom` alone; this half of it knows two addresses and no more.
 */

const KNOWN = new Set(["/static/js/door/reader-worker.js", "/door-worker.js"]);

/** @type {{createScriptURL: (address: string) => any}} */
const known = {
  createScriptURL(/** @type {string} */ address) {
    if (!KNOWN.has(address)) throw new Error(`${address} is no script of the door`);
    return address;
  },
};
const { trustedTypes } = /** @type {any} */ (globalThis);
const policy = trustedTypes ? trustedTypes.createPolicy("backroom", known) : known;

/** The address in the form that a worker may be started with. @param {string} address */
export function scriptAt(address) {
  return policy.createScriptURL(address);
}
