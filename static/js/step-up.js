// @ts-check
/** The step-up: a fresh proof before what moves money, rights or people's data. */

import { Problem, read, send } from "./api.js";
import { actForm, showDialog } from "./dialog.js";
import { el } from "./elements.js";

/**
 * What `act` resolves to; where the service asks for a step-up, the person is asked for a proof and
 * `act` is done again. Raises what `act` raises; the refusal itself when the dialog was closed.
 * @template Result
 * @param {() => Promise<Result>} act @returns {Promise<Result>}
 */
export async function withStepUp(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Problem) || error.reason !== "step_up_needed") throw error;
    if (!(await stepUp())) throw error;
    return act();
  }
}

/** Asks for a code of the app (in the demo: the PIN). @returns {Promise<boolean>} it was given */
export async function stepUp() {
  const session = await read("/v1/session");
  const byPin = session.demo;
  let done = false;
  await showDialog("Confirm that it is you", (close) => [
    actForm(
      "Continue",
      [
        el(
          "p",
          { class: "soft" },
          byPin
            ? "Type your PIN. The demo printed it beside the sign-in links."
            : "Type the six digits that your authenticator app shows now, or a recovery code.",
        ),
        el(
          "label",
          { class: "field" },
          el("span", {}, byPin ? "PIN" : "Code"),
          el("input", {
            class: "input", name: "proof", required: true, maxlength: 60,
            inputmode: byPin ? "numeric" : null, spellcheck: "false",
            autocomplete: byPin ? "off" : "one-time-code", autofocus: true,
          }),
        ),
      ],
      async (data) => {
        const proof = String(data.get("proof")).trim();
        await send("POST", "/v1/session/elevate", named(proof, byPin), { attempts: 1 });
        done = true;
      },
      close,
    ),
  ]);
  return done;
}

/** @param {string} proof @param {boolean} byPin @returns {Object<string, string>} */
function named(proof, byPin) {
  if (byPin) return { pin: proof };
  const digits = proof.replace(/\s/g, "");
  return digits.length > 8 ? { recovery_code: proof } : { code: digits };
}
