// @ts-check
/**
 * The staff entrance, step by step: who one is (name and password, or a single-use link whose token
 * stands after the `#`), the second factor or its enrolment, a password where there is none yet.
 */

import { Problem, read, send } from "../api.js";
import { byId } from "../elements.js";
import { OWED } from "../entrance.js";
import { offerTheme } from "../theme.js";
import { Enrolment } from "./enrolment.js";

/** @typedef {Object<string, any>} Session */

/** Where each role begins its night. @type {Object<string, string>} */
const HOME = { DOOR_STAFF: "/door" };
/** The steps: the form, and what stands above it. @type {Object<string, string>} */
const HEADINGS = {
  form: "Staff entrance",
  "code-form": "Second factor",
  "enrol-form": "Set up your second factor",
  "codes-form": "Recovery codes",
  "password-form": "Your password",
};

/** @type {Session | null} who has come this far */
let arriving = null;

offerTheme(byId("theme"));
const enrolment = new Enrolment(arrive);

on("form", (data) =>
  signIn({ username: text(data, "username"), password: String(data.get("password")) }),
);
on("code-form", (data) => {
  const recovering = !byId("recovery-field").hidden;
  const proof = recovering
    ? { recovery_code: text(data, "recovery_code") }
    : { code: text(data, "code") };
  return give(proof);
});
on("enrol-form", async (data) => {
  const session = await give({ code: text(data, "code") });
  if (session?.recovery_codes) enrolment.show(session);
});
on("codes-form", async () => enrolment.done());
on("password-form", async (data) => {
  await send("POST", "/v1/session/password", { new: String(data.get("new")) }, { attempts: 1 });
  leave();
});

byId("use-recovery").addEventListener("click", () => chooseProof(byId("recovery-field").hidden));
byId("password-later").addEventListener("click", () => leave());
for (const button of document.querySelectorAll("[data-start-over]"))
  button.addEventListener("click", async () => {
    await send("DELETE", "/v1/session").catch(() => null);
    show("form");
  });
window.addEventListener("hashchange", useLink);
if (!useLink() && sessionStorage.getItem(OWED)) resume();

/** Signs in by the link in the address, also when it is opened on a page that stands here already. */
function useLink() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (!link) return false;
  // The token leaves the address bar and the history before anything else happens.
  history.replaceState(null, "", location.pathname + location.search);
  byId("link-note").hidden = false;
  byId("form").hidden = true;
  signIn({ link }).catch((error) => {
    show("form");
    tell(sentence(error, true));
  });
  return true;
}

/** @param {Object<string, string>} proof */
async function signIn(proof) {
  byId("error").hidden = true;
  await goOn(await send("POST", "/v1/session", proof, { attempts: 1, token: null }));
}

/** Gives the second factor. @param {Object<string, string>} proof @returns {Promise<Session>} */
async function give(proof) {
  const session = await send("POST", "/v1/session/totp", proof, { attempts: 1 });
  sessionStorage.removeItem(OWED);
  if (!session.recovery_codes) await goOn(session);
  return session;
}

/** The step that the session needs next. @param {Session} session */
async function goOn(session) {
  if (session.second_factor === "none") {
    arrive(session);
    return;
  }
  sessionStorage.setItem(OWED, "1");
  if (session.second_factor === "needed") {
    chooseProof(false);
    show("code-form");
    return;
  }
  await enrolment.begin();
  show("enrol-form");
}

/** Somebody is in; without a password there is one step more. @param {Session} session */
function arrive(session) {
  arriving = session;
  if (session.has_password || session.demo || !session.permissions.includes("session:password")) {
    leave();
    return;
  }
  show("password-form");
}

function leave() {
  location.replace(wishedPlace() ?? HOME[arriving?.role] ?? "/floor");
}

/** The page was loaded again between two steps. */
async function resume() {
  try {
    await goOn(await read("/v1/session"));
  } catch {
    sessionStorage.removeItem(OWED);
  }
}

/** By the app's code, or by a recovery code. @param {boolean} recovering */
function chooseProof(recovering) {
  byId("recovery-field").hidden = !recovering;
  byId("code-field").hidden = recovering;
  byId("code-hint").textContent = recovering
    ? "Type one of the recovery codes that you kept. It works once."
    : "Type the six digits that your authenticator app shows now.";
  byId("use-recovery").textContent = recovering ? "Use my app" : "I do not have my phone";
  focusFirst(byId("code-form"));
}

/** One step is seen, and its first field has the focus. @param {string} step */
function show(step) {
  for (const name of Object.keys(HEADINGS)) byId(name).hidden = name !== step;
  byId("link-note").hidden = true;
  byId("error").hidden = true;
  byId("heading").textContent = HEADINGS[step];
  const form = /** @type {HTMLFormElement} */ (byId(step));
  form.reset();
  focusFirst(form);
}
enrolment.onShow = () => show("codes-form");

/** @param {HTMLElement} form */
function focusFirst(form) {
  const fields = [...form.querySelectorAll("input:not([tabindex])")];
  const first = fields.find((field) => /** @type {HTMLElement} */ (field).offsetParent !== null);
  if (first instanceof HTMLElement && first.getAttribute("type") !== "checkbox") first.focus();
  else byId("heading").focus();
}

/**
 * A form that sends once at a time and shows its refusal above itself.
 * @param {string} id @param {(data: FormData) => Promise<unknown>} act
 */
function on(id, act) {
  const form = /** @type {HTMLFormElement} */ (byId(id));
  const submit = /** @type {HTMLButtonElement} */ (form.querySelector("[type=submit]"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    byId("error").hidden = true;
    submit.disabled = true;
    submit.dataset.busy = "";
    try {
      await act(new FormData(form));
    } catch (error) {
      if (error instanceof Problem && error.reason === "not_signed_in") show("form");
      tell(sentence(error, false));
      focusFirst(/** @type {HTMLElement} */ (document.querySelector("form:not([hidden])")));
    } finally {
      submit.disabled = false;
      delete submit.dataset.busy;
    }
  });
}

/** @param {string} words */
function tell(words) {
  byId("error").textContent = words;
  byId("error").hidden = false;
}

/** @param {unknown} error @param {boolean} byLink */
function sentence(error, byLink) {
  if (byLink && error instanceof Problem && error.status === 401)
    return `${error.message} Or sign in with your name and password.`;
  return error instanceof Error ? error.message : String(error);
}

/** @param {FormData} data @param {string} name */
function text(data, name) {
  return String(data.get(name) ?? "").trim();
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
  return place.pathname + place.search + place.hash;
}
