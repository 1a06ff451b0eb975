// @ts-check
/** The words of the administration: roles, reasons, and what each line of the books says. */

import { capital } from "../words.js";

/** @typedef {Object<string, string>} Words */

/** @type {Words} */
export const ROLE_WORD = {
  SUPER_ADMIN: "Administrator",
  MANAGER: "Manager",
  DOOR_STAFF: "Door staff",
};

/** @type {Words} */
export const KIND_WORD = { tablet: "Tablet", camera: "Camera" };

/** @type {Words} */
export const BAN_WORD = {
  violence: "Violence",
  harassment: "Harassment",
  theft: "Theft",
  damage: "Damage",
  drugs: "Drugs",
  weapon: "Weapon",
  underage: "Under age",
  fraud: "Fraud",
  other: "Other",
};

/** What a manager can say of a scan that counts, and of one that does not. @type {Words} */
export const ACCEPT_WORD = { let_in: "The door let them in", other: "Other" };
/** @type {Words} */
export const DISMISS_WORD = {
  not_let_in: "The door did not let them in",
  counted_by_hand: "Counted by hand already",
  sent_twice: "Sent twice",
  stolen_device: "The device was stolen",
  a_trial: "Only a trial",
  other: "Other",
};

/** What stays of somebody who was erased. @type {Words} */
export const RETAINED_WORD = {
  financial_records: "what was paid, without a name, for seven years",
  ban: "that they are not welcome, until the ban ends",
};

/** @type {Words} */
export const CHANNEL_WORD = { email: "E-mail", sms: "SMS" };

/** What is said to customers. @type {Words} */
export const MESSAGE_WORD = {
  confirmation: "Confirmation",
  changed: "Booking changed",
  cancelled: "Booking cancelled",
  code_reissued: "New entry code",
  reminder_day: "Reminder, a day before",
  reminder_hour: "Reminder, an hour before",
  refunded: "Refund",
  late_payment_refunded: "Late payment refunded",
  waitlist_offer: "A table is offered",
  waitlist_offer_expired: "The offer has ended",
};

/** Why a message did not go out. @type {Words} */
export const MESSAGE_REASON = {
  no_mail_server: "no mail server is set up",
  no_sms_service: "no service for SMS is set up",
  overtaken: "the booking is no longer like that",
  too_late: "it came too late to be useful",
  erased: "the guest's data was erased",
  no_address: "the guest left no address",
  address_refused: "the mail server knows no such address",
  address_not_valid: "the address is not one for mail",
  mail_refused: "the mail server refused it",
  mail_server_away: "the mail server did not answer",
  mail_server_busy: "the mail server asked to wait",
  mail_server_lacks_it: "the mail server cannot take it",
  mail_sign_in_refused: "the mail server refused our sign-in",
  number_refused: "the number cannot be reached",
  number_not_valid: "the number is not one for SMS",
  sms_service_away: "the SMS service did not answer",
  sms_service_busy: "the SMS service asked to wait",
  sms_sign_in_refused: "the SMS service refused our sign-in",
  sms_not_taken: "the SMS service did not take it",
  carrier_too_slow: "the server took too long",
  key_missing: "the key for the guest's data is missing",
  queue_full: "too many messages were waiting",
  gave_up: "sending broke off again and again",
  fault: "it could not be written",
};

/** What each type of the venue's book says. @type {Words} */
export const VENUE_LINE = {
  STAFF_ADDED: "Staff added",
  STAFF_CHANGED: "Staff changed",
  STAFF_DISABLED: "Staff disabled",
  STAFF_ENABLED: "Staff enabled",
  SIGNED_IN: "Signed in",
  SIGN_IN_REFUSED: "Sign-in refused",
  SIGNED_OUT: "Signed out",
  SESSION_REVOKED: "Session ended",
  SECOND_FACTOR_ENROLLED: "Second factor set up",
  SECOND_FACTOR_RESET: "Second factor reset",
  RECOVERY_CODE_USED: "Recovery code used",
  ELEVATED: "Stepped up",
  PASSWORD_CHANGED: "Password changed",
  PIN_SET: "PIN set",
  LINK_MADE: "Link made",
  PAYMENT_VERIFIED: "Payment verified",
  REFUND_ASKED: "Refund decided",
  MANAGE_LINKS_REVOKED: "Links to a booking ended",
  CALENDAR_RENEWED: "Calendar's address renewed",
  MESSAGE_REPLAYED: "Message sent again",
  DEVICE_ADDED: "Device added",
  DEVICE_PAIRED: "Device paired",
  DEVICE_ROLLED: "Device's token renewed",
  DEVICE_REVOKED: "Device revoked",
  SCAN_QUARANTINED: "Scan quarantined",
  QUARANTINE_RESOLVED: "Quarantined scan resolved",
  PERSON_REVEALED: "Person revealed",
  PERSON_EXPORTED: "Person exported",
  PERSON_ERASED: "Person erased",
  BAN_ADDED: "Ban added",
  BAN_LIFTED: "Ban lifted",
  SETTINGS_CHANGED: "Settings changed",
  KEYS_ROTATED: "Keys rotated",
};

/** The same of a night's book. @type {Words} */
export const NIGHT_LINE = {
  NIGHT_OPENED: "Night opened",
  NIGHT_CHANGED: "Night edited",
  NIGHT_SEALED: "Night closed",
  BOOKING_INITIATED: "Booking begun",
  TABLES_SELECTED: "Tables held",
  HOLD_EXTENDED: "Hold extended",
  HOLD_RELEASED: "Hold let go",
  HOLD_EXPIRED: "Hold ran out",
  PAYMENT_PROCESSED: "Payment taken",
  PAYMENT_FAILED: "Payment refused",
  PAYMENT_REFUNDED: "Money given back",
  REFUND_REVERSED: "Money did not reach the guest",
  PAYMENT_DISPUTED: "Payment disputed",
  PAYMENT_DIFFERED: "Payment not as asked",
  HOLD_RESTORED: "Hold restored, paid late",
  BOOKING_CONFIRMED: "Booking confirmed",
  BOOKING_CANCELLED: "Booking cancelled",
  TABLES_MOVED: "Tables moved",
  TABLES_SWAPPED: "Parties swapped",
  BOOKING_CHANGED: "Booking changed",
  BOOKING_RESCHEDULED: "Booking rescheduled",
  BOOKING_SPLIT: "Party split",
  BOOKINGS_MERGED: "Parties joined",
  BOOKING_OVERDUE: "Party overdue",
  BOOKING_REINSTATED: "No-show taken back",
  GUEST_CHECKED_IN: "Checked in",
  GUEST_CHECKED_OUT: "Checked out",
  HEADCOUNT_CHANGED: "Head count changed",
  ENTRY_REFUSED: "Entry refused",
  ENTRY_OVERRIDDEN: "Let in against the rule",
  CHECK_IN_UNDONE: "Scan taken back",
  INCIDENT_RECORDED: "Incident",
  CODE_REISSUED: "Code issued again",
  GUEST_CODE_ISSUED: "Guest has a code",
  GUEST_CODE_REVOKED: "Guest's code taken back",
  PARTY_SEATED: "Party seated",
  TABLE_VACATED: "Table vacated",
  BOOKING_COMPLETED: "Booking completed",
  TABLE_RESET: "Table reset",
  TABLE_BLOCKED: "Table blocked",
  TABLE_UNBLOCKED: "Table unblocked",
  NO_SHOW_MARKED: "No-show marked",
  WAITLIST_JOINED: "Waits for a table",
  WAITLIST_OFFERED: "Table offered",
  WAITLIST_RANKED: "Place in line changed",
  WAITLIST_LEFT: "Waits no more",
  LEASE_GRANTED: "Door may admit offline",
  LEASE_RECALLED: "Offline rights asked back",
  LEASE_RETURNED: "Offline rights given back",
  LEASE_VOIDED: "Offline rights ended",
};

/** What the door's log tells of. @type {Words} */
export const DOOR_LINE = {
  refused: "Refused",
  overridden: "Let in against the rule",
  undone: "Taken back",
  head_count: "Head count",
  incident: "Incident",
};

/** Every reason that the door's log can be asked for, in the order of the choice. @type {Words} */
export const DOOR_REASON = {
  already_in: "Already in",
  bad_signature: "Bad signature",
  balance_due: "Balance due",
  banned: "Banned",
  booker_vouches: "Booker vouches",
  cancelled: "Cancelled",
  closed: "Closed",
  counted_wrong: "Counted wrong",
  damage: "Damage",
  device_at_fault: "Device at fault",
  did_not_enter: "Did not enter",
  drugs: "Drugs",
  ejection: "Ejection",
  fight: "Fight",
  finished: "Finished",
  guest_of_the_house: "Guest of the house",
  harassment: "Harassment",
  head_count: "Head count",
  held_by_other_door: "Held by other door",
  hold_expired: "Hold expired",
  injury: "Injury",
  known_guest: "Known guest",
  medical: "Medical",
  not_our_code: "Not our code",
  official_visit: "Official visit",
  other: "Other",
  party_full: "Party full",
  refused_at_sight: "Refused at sight",
  released: "Released",
  replaced: "Replaced",
  revoked: "Revoked",
  scanned_twice: "Scanned twice",
  theft: "Theft",
  too_early: "Too early",
  too_late: "Too late",
  unknown_code: "Unknown code",
  unknown_key: "Unknown key",
  vulnerable: "Vulnerable",
  weapon: "Weapon",
  wrong_floor: "Wrong floor",
  wrong_guest: "Wrong guest",
  wrong_night: "Wrong night",
  wrong_number: "Wrong number",
  wrong_venue: "Wrong venue",
};

/** How a session began, and what was shown since. @param {{began: string, assurance: string}} session */
export function howText({ began, assurance }) {
  const first = { password: "Password", link: "Link", pin: "PIN" }[began] ?? capital(began);
  return assurance === "totp" ? `${first} and code` : first;
}

/** Browser or program, as its short name says. @param {string | null} agent */
export function agentText(agent) {
  return agent ?? "an unknown program";
}
