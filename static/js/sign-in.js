// @ts-check
/** Signing in: by name and password, or by a single-use link whose token stands after the `#`. */

import { send, Problem } from "./api.js";
import { byId } from "./elements.js";
import { offerTheme } from "./theme.js";

/** Where each role begins its night. @type {Object<string, string>} */
const HOME = { DOOR_STAFF: "/door" };

offerTheme(byId("theme"));
const form = /** @type {HTMLFormElement} */ (byId("form"));
const submit = /** @type {HTMLButtonElement} */ (byId("submit"));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const data = new FormData(form);
  signIn({ username: String(data.get("username")).trim(), password: String(data.get("password")) });
});

/** Signs in by the link in the address, also when it is opened on a page that stands here already. */
function useLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (!link) return;
  // The token leaves the address bar and the history before anything else happens.
  history.replaceState(null, "", location.pathname + location.search);
  byId("link-note").hidden = false;
  form.hidden = true;
  signIn({ link });
}
useLink();
window.addEventListener("hashchange", useLink);

/** @param {Object<string, string>} proof */
async function signIn(proof) {
  byId("error").hidden = true;
  submit.disabled = true;
  submit.dataset.busy = "";
  try {
    const session = await send("POST", "/v1/session", proof, { attempts: 1, token: null });
    location.replace(wishedPlace() ?? HOME[session.role] ?? "/floor");
  } catch (error) {
    form.hidden = false;
    byId("link-note").hidden = true;
    byId("error").textContent = sentence(error, "link" in proof);
    byId("error").hidden = false;
    submit.disabled = false;
    delete submit.dataset.busy;
    form.querySelector("input")?.focus();
  }
}

/** @param {unknown} error @param {boolean} byLink */
function sentence(error, byLink) {
  if (byLink && error instanceof Problem && error.status === 401)
    return `${error.message} Or sign in with your name and password.`;
  return error instanceof Error ? error.message : String(error);
}

/**
 * The page that was asked for before signing in; only a path of this site, never an address.
 * @returns {string | null}
 */
function wishedPlace() {
  const next = new URLSearchParams(location.search).get("next");
  if (!next || !next.startsWith("/") || next.startsWith("//") || next.includes("\\")) return null;
  const place = new URL(next, location.origin);
  if (place.origin !== location.origin || place.pathname === "/sign-in") return null;
  return place.pathname + place.search;
}
