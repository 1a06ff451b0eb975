// @ts-check
/**
 * The venue's time on this screen: the server's `now`, carried on by the page's own stopwatch at
 * the venue's speed. The device's wall clock is never asked, since it may be wrong.
 */

const MINUTE_MS = 60_000;
let timeZone = "Europe/London";
/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

export class VenueClock {
  constructor() {
    this.shownMs = Date.now();
    this.setAt = performance.now();
    this.speed = 1;
    this.known = false;
  }

  /** @param {string} now instant @param {number} [speed] */
  set(now, speed = 1) {
    this.shownMs = Date.parse(now);
    this.setAt = performance.now();
    this.speed = speed;
    this.known = true;
  }

  /** Milliseconds since 1970, by the venue's clock. */
  now() {
    return this.shownMs + (performance.now() - this.setAt) * this.speed;
  }
}

/** @param {string} zone IANA name */
export function useTimeZone(zone) {
  timeZone = zone;
  formats.clear();
}

/** @param {string} key @param {Intl.DateTimeFormatOptions} options */
function format(key, options) {
  let found = formats.get(key);
  if (!found)
    formats.set(key, (found = new Intl.DateTimeFormat("en-GB", { timeZone, ...options })));
  return found;
}

/** "23:41". @param {string | number} instant */
export function timeText(instant) {
  return format("time", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(
    ms(instant),
  );
}

/** "23:41:07". @param {string | number} instant */
export function secondsText(instant) {
  return format("seconds", {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).format(ms(instant));
}

/** "21 Nov 2026". @param {string | number} instant */
export function dateText(instant) {
  return format("date", { day: "numeric", month: "short", year: "numeric" }).format(ms(instant));
}

/** "Sat 21 Nov" of a night's date; a night is its business date, whatever the hour. @param {string} night */
export function nightText(night) {
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  })
    .format(Date.parse(`${night}T12:00:00Z`))
    .replace(",", "");
}

/** "Saturday 21 November". @param {string} night */
export function longNightText(night) {
  return new Intl.DateTimeFormat("en-GB", {
    weekday: "long",
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  })
    .format(Date.parse(`${night}T12:00:00Z`))
    .replace(",", "");
}

/** "8:21", or "1:02:00" from an hour on; "0:00" once it is over. @param {number} milliseconds */
export function countdownText(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const tail = String(s).padStart(2, "0");
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${tail}` : `${m}:${tail}`;
}

/** "12 min", "1 h 05". @param {number} milliseconds */
export function spanText(milliseconds) {
  const minutes = Math.max(0, Math.floor(milliseconds / MINUTE_MS));
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

/**
 * The instant of a local time of the venue within a night: "01:30" belongs to the morning after.
 * Found by walking on from the doors, so that it is right when the clocks change.
 * @param {string} local "HH:MM" @param {string} doorsAt instant @returns {string} instant
 */
export function instantOf(local, doorsAt) {
  const from = Date.parse(doorsAt) - 4 * 60 * MINUTE_MS;
  for (let minutes = 0; minutes < 24 * 60; minutes += 1) {
    const at = from + minutes * MINUTE_MS;
    if (timeText(at) === local) return new Date(at).toISOString();
  }
  return doorsAt;
}

/**
 * The instant of a local date and time of the venue; of an hour that comes twice, one of the two.
 * @param {string} local "2026-11-21T22:30" @returns {string} instant
 */
export function instantAt(local) {
  const wanted = Date.parse(`${local}Z`);
  const shown = (/** @type {number} */ at) => {
    const parts = format("parts", {
      year: "numeric", month: "2-digit", day: "2-digit",
      hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
    }).formatToParts(at);
    const of = (/** @type {string} */ type) => parts.find((part) => part.type === type)?.value;
    return Date.parse(
      `${of("year")}-${of("month")}-${of("day")}T${of("hour")}:${of("minute")}:${of("second")}Z`,
    );
  };
  let at = wanted;
  for (let turn = 0; turn < 2; turn += 1) at += wanted - shown(at);
  return new Date(at).toISOString();
}

/** @param {string | number} instant */
export function ms(instant) {
  return typeof instant === "number" ? instant : Date.parse(instant);
}
