// @ts-check
/**
 * Asking and telling the service over HTTP.
 *
 * A command carries one Idempotency-Key through all its attempts: after a lost reply the same
 * command is sent again and the service answers what it answered before. A refusal becomes a
 * `Problem` that keeps the service's stable reason; no answer at all becomes `Unreachable`.
 */

const READ_DEADLINE_MS = 8000;
const COMMAND_DEADLINE_MS = 5000;
const COMMAND_ATTEMPTS = 4;
const PASSING = new Set([502, 503, 504]); // the service is restarting or a part is away

/** The service said no, and why. */
export class Problem extends Error {
  /** @param {number} status @param {Object<string, any>} document */
  constructor(status, document) {
    super(document.detail || document.title || `The service answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    /** @type {string} the stable word */
    this.reason = document.reason || "unknown";
    this.fields = document;
  }
}

/** No answer came, though it was asked for more than once. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached. Check the network, then try again.");
    this.name = "Unreachable";
    this.reason = "unreachable";
  }
}

/** @type {() => string | null} the token that this page acts by, where it has one */
let token = () => null;

/** @param {() => string | null} source */
export function actBy(source) {
  token = source;
}

/**
 * The answer of a GET as it came; `tag` is its ETag. With `seen`, null when nothing moved (304).
 * @param {string} path
 * @param {{seen?: string | null, token?: string | null}} [options]
 * @returns {Promise<{body: any, tag: string | null} | null>}
 */
export async function readTagged(path, options = {}) {
  const headers = headersOf(options.token);
  if (options.seen) headers["If-None-Match"] = options.seen;
  const response = await attempt(path, { headers, cache: "no-store" }, READ_DEADLINE_MS);
  if (response.status === 304) return null;
  return { body: await bodyOf(response), tag: response.headers.get("ETag") };
}

/** @param {string} path @param {{token?: string | null}} [options] @returns {Promise<any>} */
export async function read(path, options = {}) {
  return (await readTagged(path, options))?.body;
}

/** A picture as an address for an <img>. @param {string} path @param {string | null} [by] */
export async function readPicture(path, by) {
  const response = await attempt(path, { headers: headersOf(by) }, READ_DEADLINE_MS);
  if (!response.ok) await bodyOf(response);
  return URL.createObjectURL(await response.blob());
}

/**
 * Sends a command; tries again with the same key when no answer came.
 * @param {"POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {Object<string, any> | null} [body]
 * @param {{token?: string | null, key?: string, attempts?: number}} [options]
 * @returns {Promise<any>}
 */
export async function send(method, path, body = null, options = {}) {
  const headers = headersOf(options.token);
  headers["Idempotency-Key"] = options.key ?? crypto.randomUUID();
  const request = { method, headers, body: body === null ? undefined : JSON.stringify(body) };
  if (body !== null) headers["Content-Type"] = "application/json";
  const attempts = options.attempts ?? COMMAND_ATTEMPTS;
  for (let count = 1; ; count += 1) {
    try {
      const response = await attempt(path, request, COMMAND_DEADLINE_MS);
      if (count < attempts && passes(response)) {
        await pause(waitAsked(response) ?? 400 * 2 ** count);
        continue;
      }
      return await bodyOf(response);
    } catch (error) {
      if (!(error instanceof Unreachable) || count >= attempts) throw error;
      await pause(300 * 2 ** count);
    }
  }
}

/** @param {string | null | undefined} by @returns {Object<string, string>} */
function headersOf(by) {
  const bearer = by === undefined ? token() : by;
  /** @type {Object<string, string>} */
  const headers = { Accept: "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  return headers;
}

/**
 * One attempt with a deadline. Raises Unreachable: no answer within it.
 * @param {string} path @param {RequestInit} request @param {number} deadlineMs
 */
export async function attempt(path, request, deadlineMs) {
  try {
    return await fetch(path, {
      credentials: "same-origin",
      ...request,
      signal: AbortSignal.timeout(deadlineMs),
    });
  } catch {
    throw new Unreachable();
  }
}

/** The JSON of an answer. Raises Problem: the service refused. @param {Response} response */
export async function bodyOf(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  let body = null;
  try {
    body = kind.includes("json") ? await response.json() : null;
  } catch {
    throw new Unreachable(); // the answer broke off
  }
  if (!response.ok) throw new Problem(response.status, body ?? {});
  return body;
}

/** Whether the same command may be answered in a moment. @param {Response} response */
function passes(response) {
  const later = response.headers.has("Retry-After");
  return PASSING.has(response.status) || (response.status === 409 && later);
}

/** @param {Response} response */
function waitAsked(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds, 5) * 1000 : null;
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds * (0.75 + Math.random() / 2)));
}
