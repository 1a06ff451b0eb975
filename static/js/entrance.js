// @ts-check
/** The way to the staff entrance for a session that still owes its second factor. */

/** Tells the entrance, in this tab, that it goes on with the second factor. */
export const OWED = "backroom.second-factor-owed";

/**
 * Whether the session may not do anything yet; then the entrance knows where to go on.
 * @param {{second_factor: string}} session
 */
export function owesSecondFactor(session) {
  if (session.second_factor === "none") return false;
  sessionStorage.setItem(OWED, "1");
  return true;
}
