// @ts-check
/**
 * The link of a waitlist's offer, in a browser that may never have seen the club: who joined on a
 * laptop opens it on a phone. Its token comes behind the `#`, which no browser sends to any server,
 * leaves the address bar at once, and lasts as long as the tab or the offer.
 */

import { subjectOf, takeFromAddress } from "../signed-link.js";

const KEY = "backroom.offer";
const PREFIX = "off_";

/**
 * The offer's token and its place on the waitlist, from the address or from before in this tab.
 * @returns {{token: string, waitlist_id: string | null} | null} no id: the link is none of ours
 */
export function takeOffer() {
  const token = takeFromAddress(KEY, PREFIX);
  return token === null ? null : { token, waitlist_id: subjectOf(PREFIX, token) };
}

/** Another offer's link was opened in the same tab. @param {() => void} then */
export function onOfferLink(then) {
  addEventListener("hashchange", () => location.hash.startsWith(`#${PREFIX}`) && then());
}

/** The offer is taken, or over. */
export function dropOffer() {
  sessionStorage.removeItem(KEY);
}
