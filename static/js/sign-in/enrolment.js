// @ts-check
/** Setting up the second factor: the picture for the app, and the recovery codes, shown once. */

import { send } from "../api.js";
import { byId, el, fill } from "../elements.js";

/** @typedef {Object<string, any>} Session */

export class Enrolment {
  /** @param {(session: Session) => void} finished when the codes were kept */
  constructor(finished) {
    this.finished = finished;
    this.onShow = () => {};
    /** @type {Session | null} */
    this.session = null;
    byId("copy-codes").addEventListener("click", (event) =>
      this.#copy(/** @type {HTMLElement} */ (event.currentTarget)),
    );
    byId("print-codes").addEventListener("click", () => window.print());
  }

  /** Asks for a new seed and shows it. */
  async begin() {
    const made = await send("POST", "/v1/session/totp/enrolment", {}, { attempts: 1 });
    const picture = /** @type {HTMLImageElement} */ (byId("enrol-picture"));
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(made.svg)}`;
    byId("enrol-secret").textContent = made.secret.replace(/.{4}(?=.)/g, "$& ");
    /** @type {HTMLAnchorElement} */ (byId("enrol-link")).href = made.uri;
  }

  /** @param {Session} session whose recovery codes are in it, this once */
  show(session) {
    this.session = session;
    const codes = session.recovery_codes.map((/** @type {string} */ code) => el("li", {}, code));
    fill(byId("recovery-codes"), codes);
    this.onShow();
  }

  /** The codes were kept: they are gone from the page. */
  done() {
    fill(byId("recovery-codes"));
    if (this.session) this.finished(this.session);
  }

  /** @param {HTMLElement} button */
  async #copy(button) {
    const text = (this.session?.recovery_codes ?? []).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      // Without the right to the clipboard: marked, so that the keyboard copies them.
      getSelection()?.selectAllChildren(byId("recovery-codes"));
      button.textContent = "Marked: press Ctrl+C";
    }
  }
}
