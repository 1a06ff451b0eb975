// @ts-check
/** What staff may do after a verdict, as the service lists it: a button each. Pure.
 * What has none (the desk, the clicker, the manager) stands in the instruction. */

/**
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {"again" | "checked" | "to_bar" | "retry" | "find" | "override" | "undo"} Act
 * @typedef {{act: Act, label: string, main: boolean}} Offer
 */

/** @type {Record<string, Omit<Offer, "main">>} */
const BUTTONS = {
  check_id: { act: "checked", label: "ID seen: somebody else" },
  to_bar: { act: "to_bar", label: "To the bar: let in" },
  try_again: { act: "retry", label: "Try again" },
  find: { act: "find", label: "Find by name" },
  override: { act: "override", label: "Override…" },
  undo: { act: "undo", label: "Undo…" },
};
const MAIN = new Set(["check_id", "to_bar", "try_again"]);

/** Whether a number of people is asked for. @param {Verdict} verdict */
export function asksPeople(verdict) {
  const steps = verdict.steps ?? (verdict.reason === "how_many" ? ["people"] : []);
  return steps.includes("people") && (verdict.left_to_enter ?? 0) > 0;
}

/** The buttons of a verdict; the first main one is what is done most. @param {Verdict} verdict @returns {Offer[]} */
export function offers(verdict) {
  if (verdict.reason === "unreachable") return [{ act: "again", label: "Try again", main: true }];
  const asks = asksPeople(verdict);
  return (verdict.steps ?? [])
    .filter((step) => BUTTONS[step])
    .map((step) => ({ ...BUTTONS[step], main: MAIN.has(step) && !asks }));
}
