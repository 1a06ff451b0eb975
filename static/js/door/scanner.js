// @ts-check
/**
 * Scans on their way to a verdict.
 *
 * Each read makes one scan with one id, which it keeps through every attempt: after a lost reply
 * the service answers what it decided, and nobody is counted twice. Scans are sent one after the
 * other in the order they were read. When no answer comes in time the verdict is amber, and the
 * scan is tried on in the background until its answer is known.
 */

import { attempt, bodyOf, Problem, Unreachable } from "../api.js";

/**
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {{scan_id: string, door: string, direction: "in" | "out", code?: string,
 *   reference?: string, people?: number}} ScanBody
 * @typedef {{body: ScanBody, at: number, state: "sent" | "doubt" | "known", verdict: Verdict | null,
 *   again: (() => void) | null}} Scan
 */

const ANSWER_MS = 2500; // a guest waits this long for a light; the usual answer takes 20 ms
const TRY_ON_MS = 4000;
const TRIES_MAX = 45; // three minutes; later the desk's list is the place to look
const QUEUE_MAX = 20;
const KEPT_MAX = 50;

export class Scanner {
  /**
   * @param {{token: () => string | null, onVerdict: (scan: Scan) => void, onChange: () => void}} wiring
   */
  constructor(wiring) {
    this.wiring = wiring;
    /** @type {Scan[]} newest first */
    this.scans = [];
    /** @type {Promise<unknown>} */
    this.line = Promise.resolve();
    this.waiting = 0;
  }

  /** @param {string} text what was read or typed @param {string} door @param {"in" | "out"} direction */
  read(text, door, direction) {
    const code = text.trim();
    if (!code || this.waiting >= QUEUE_MAX) return null;
    const isCode = /^BR\d+:/i.test(code);
    const same = this.scans[0];
    const said = isCode ? same?.body.code : same?.body.reference;
    if (same && same.state === "sent" && said === code) return same; // a wedge that fired twice
    return this.#send({
      scan_id: crypto.randomUUID(), door, direction, ...(isCode ? { code } : { reference: code }),
    });
  }

  /** The answer to "how many": a new scan of the same code. @param {Scan} scan @param {number} people */
  withPeople(scan, people) {
    return this.#send({ ...scan.body, scan_id: crypto.randomUUID(), people });
  }

  /** Asks again for the same scan, by its id. @param {Scan} scan */
  again(scan) {
    if (scan.again) scan.again();
  }

  /** @param {ScanBody} body */
  #send(body) {
    /** @type {Scan} */
    const scan = { body, at: Date.now(), state: "sent", verdict: null, again: null };
    this.scans = [scan, ...this.scans].slice(0, KEPT_MAX);
    this.waiting += 1;
    this.wiring.onChange();
    this.line = this.line.then(() => this.#first(scan)).finally(() => (this.waiting -= 1));
    return scan;
  }

  /** @param {Scan} scan */
  async #first(scan) {
    if (!(await this.#ask(scan))) {
      scan.state = "doubt";
      scan.verdict = {
        verdict: "wait", reason: "unreachable", title: "Cannot verify",
        instruction: "The server cannot be reached. Ask the desk; do not let anybody in on this.",
      };
      this.#tryOn(scan);
    }
    this.wiring.onVerdict(scan);
    this.wiring.onChange();
  }

  /** @param {Scan} scan */
  async #tryOn(scan) {
    for (let count = 0; count < TRIES_MAX && scan.state === "doubt"; count += 1) {
      await new Promise((resolve) => {
        scan.again = () => resolve(null);
        setTimeout(resolve, TRY_ON_MS);
      });
      if (await this.#ask(scan)) {
        this.wiring.onVerdict(scan);
        break;
      }
    }
    scan.again = null;
    this.wiring.onChange();
  }

  /** One attempt. False: no answer that says anything of this scan. @param {Scan} scan */
  async #ask(scan) {
    const token = this.wiring.token();
    try {
      const response = await attempt("/v1/scans", {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
        body: JSON.stringify(scan.body),
      }, ANSWER_MS);
      if (response.status >= 500 || response.status === 429) return false;
      scan.verdict = { direction: scan.body.direction, ...(await bodyOf(response)) };
    } catch (error) {
      if (error instanceof Unreachable) return false;
      if (!(error instanceof Problem)) throw error;
      scan.verdict = refusalOf(error);
    }
    scan.state = "known";
    return true;
  }
}

/** A request that was refused says nothing of the guest: amber, with what to do. @param {Problem} problem @returns {Verdict} */
function refusalOf(problem) {
  const signedOut = problem.status === 401 || problem.status === 403;
  return {
    verdict: "wait",
    reason: problem.reason,
    title: signedOut ? "Sign in" : "Not readable",
    instruction: signedOut ? "This tablet may not scan. Sign in again, or pair it." : problem.message,
  };
}
