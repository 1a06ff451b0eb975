// @ts-check
/** What each verdict that the tablet gives by itself says, in the manner of app/domain/sayings.py. */

/** @type {Object<string, {title: string, instruction: string, tell: string, steps: string[]}>} */
export const WORDS = {
  admitted: say("Come in", "Let them in.", "Welcome."),
  already_in: say(
    "Already in", "This tablet let somebody in with this code before. Find them by name.",
    "Everybody of this booking is inside already.",
    "find",
  ),
  how_many: say("How many?", "Count who is here, and enter the number.", "Please stand together. I will count you.", "people"),
  party_full: say(
    "Too many", "More people than the booking has places left.",
    "The booking has no place for everybody who is here.", "people",
  ),
  too_early: say("Too early", "Let them wait outside until the doors open.", "The doors are not open yet."),
  too_late: say("Too late", "Nobody new comes in any more.", "Last entry is over."),
  replaced: say(
    "Replaced", "A newer code was issued when this tablet went offline. Ask the booker for it.",
    "There is a newer code for this booking.", "find",
  ),
  unsure: say(
    "No network", "This tablet was restarted, or its clock jumped. Bring it to the network first.",
    "One moment, please.", "try_again",
  ),
  lease_over: say(
    "No network", "Thirty minutes without the service are over. Bring the tablet to the network.",
    "One moment, please.", "try_again",
  ),
  given_back: say(
    "Try again", "The tickets are being given back. Scan again in a moment.",
    "One moment, please.", "try_again",
  ),
  not_stored: say(
    "Not kept", "This tablet could not store the scan. Nobody was counted: use another tablet.",
    "One moment, please.", "try_again",
  ),
  revoked: say(
    "Not paired", "This tablet's pairing has ended. Use another tablet, and call the manager.",
    "One moment, please.", "call_manager",
  ),
  second_tab: say(
    "Other window", "The door is open in another window of this tablet. Close this one.",
    "One moment, please.",
  ),
  unproven: say(
    "No network", "This browser cannot prove a code by itself. Bring the tablet to the network.",
    "One moment, please.", "try_again",
  ),
};

/** @param {string} title @param {string} instruction @param {string} tell @param {string[]} steps */
function say(title, instruction, tell, ...steps) {
  return { title, instruction, tell, steps };
}
