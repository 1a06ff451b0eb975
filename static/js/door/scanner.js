// @ts-check
/**
 * Scans on their way to a verdict.
 *
 * Each read makes one scan with one id. Scans are sent one after the other in the order they were
 * read. When no answer comes in time the verdict is amber, and nobody knows whether the scan was
 * counted. From then on the tablet only *asks* what became of it: a scan that a guest no longer
 * waits for must not let anybody in. A person who tries again, or reads the same code again, sends
 * the same id, so that the service answers what it decided, and nobody is counted twice.
 *
 * A tablet that holds the ticket decides by itself (`decide`), and the service is told later. A scan
 * that was sent to the service once is the service's for ever, whatever the tablet holds by then.
 */

import { attempt, bodyOf, Problem, read, Unreachable } from "../api.js";
import { kindOf } from "./reference.js";

/**
 * @typedef {import("./verdict.js").Verdict} Verdict
 * @typedef {{scan_id: string, door: string, direction: "in" | "out", code?: string,
 *   reference?: string, people?: number, id_checked?: boolean, to_bar?: boolean}} ScanBody
 * @typedef {{body: ScanBody, at: number, state: "sent" | "doubt" | "known", verdict: Verdict | null,
 *   own?: Promise<Verdict | null>}} Scan
 *   `own`: the tablet's own decision, being stored; null: the service has to be asked.
 */

const ANSWER_MS = 2500; // a guest waits this long for a light; the usual answer takes 20 ms
const OWN_MS = 2500; // and so long for the tablet's own disk
const ASK_MS = 3000;
const ASKS_MAX = 60; // three minutes; later the desk's list is the place to look
const SAME_GUEST_MS = 120_000; // the same code read again within this time is the same try
const QUEUE_MAX = 20;
const KEPT_MAX = 50;

/** @type {Verdict} */
const UNREACHABLE = {
  verdict: "wait",
  reason: "unreachable",
  title: "Cannot verify",
  instruction: "The server cannot be reached. Ask the desk; do not let anybody in on this.",
};
/** @type {Verdict} */
const NOT_COUNTED = {
  verdict: "wait",
  reason: "unreachable",
  title: "Scan again",
  instruction: "The server is back and has not counted this scan.",
};

/** @type {Verdict} */
const NOT_STORED = {
  verdict: "wait",
  reason: "unreachable",
  title: "Not kept yet",
  instruction: "This tablet is still storing the scan. Do not let anybody in on this.",
};

/** What was read stays here: it may be the password of somebody's Wi-Fi. @type {Verdict} */
const NOT_OURS = {
  verdict: "refuse",
  reason: "not_our_code",
  title: "Not our code",
  instruction: "Ask for the Backroom code, the reference, or the name of the booking.",
};

export class Scanner {
  /**
   * @param {{token: () => string | null, decide: (body: ScanBody) => Promise<Verdict | null>,
   *   onVerdict: (scan: Scan, late?: boolean) => void, onChange: () => void}} wiring
   */
  constructor(wiring) {
    this.wiring = wiring;
    /** @type {Scan[]} newest first */
    this.scans = [];
    /** @type {Promise<unknown>} */
    this.line = Promise.resolve();
    this.waiting = 0;
  }

  /** How many scans have no verdict that is known. */
  get undecided() {
    return this.scans.filter(({ state }) => state !== "known").length;
  }

  /**
   * @param {string} text what was read or typed
   * @param {string} door @param {"in" | "out"} direction
   */
  read(text, door, direction) {
    const said = text.trim();
    if (!said || this.waiting >= QUEUE_MAX) return null;
    const before = this.scans.find(
      ({ body, at, state }) =>
        (body.code ?? body.reference) === said &&
        body.direction === direction &&
        state !== "known" &&
        Date.now() - at < SAME_GUEST_MS,
    );
    if (before?.state === "sent") return before; // a wedge that fired twice
    if (before) return this.again(before);
    const kind = kindOf(said);
    if (kind !== "code" && kind !== "reference") return this.#foreign(door, direction);
    const what = kind === "code" ? { code: said } : { reference: said };
    return this.#send({ scan_id: crypto.randomUUID(), door, direction, ...what });
  }

  /** A code of something else is refused here and sent nowhere. @param {string} door @param {"in" | "out"} direction */
  #foreign(door, direction) {
    /** @type {Scan} */
    const scan = {
      body: { scan_id: crypto.randomUUID(), door, direction },
      at: Date.now(),
      state: "known",
      verdict: NOT_OURS,
    };
    this.#remember(scan);
    this.wiring.onChange();
    return scan;
  }

  /** The answer to "how many": a new scan of the same code. @param {Scan} scan @param {number} people */
  withPeople(scan, people) {
    return this.#send({ ...scan.body, scan_id: crypto.randomUUID(), people });
  }

  /**
   * The same read once more, with what staff said to its verdict: a look at the ID, a place at the
   * bar, or nothing but another try.
   * @param {Scan} scan @param {{id_checked?: true, to_bar?: true}} said
   */
  withSaid(scan, said) {
    return this.#send({ ...scan.body, scan_id: crypto.randomUUID(), ...said });
  }

  /** What a supervisor's answer made of it, as a scan of this tablet. @param {Scan} scan @param {Verdict} verdict */
  overridden(scan, verdict) {
    /** @type {Scan} */
    const made = { body: { ...scan.body }, at: Date.now(), state: "known", verdict };
    this.#remember(made);
    this.wiring.onChange();
    return made;
  }

  /** Sends a scan in doubt again, by its id: the guest is still there. @param {Scan} scan */
  again(scan) {
    if (scan.state === "doubt") {
      scan.state = "sent";
      this.#enqueue(scan);
    }
    return scan;
  }

  /** @param {ScanBody} body */
  #send(body) {
    /** @type {Scan} */
    const scan = { body, at: Date.now(), state: "sent", verdict: null };
    this.#remember(scan);
    this.#enqueue(scan);
    return scan;
  }

  /** @param {Scan} scan */
  #remember(scan) {
    this.scans = [scan, ...this.scans].slice(0, KEPT_MAX);
  }

  /** @param {Scan} scan */
  #enqueue(scan) {
    this.waiting += 1;
    this.wiring.onChange();
    this.line = this.line.then(() => this.#judge(scan)).finally(() => (this.waiting -= 1));
  }

  /** @param {Scan} scan */
  async #judge(scan) {
    const decided = await this.#decide(scan);
    if (decided === "storing") {
      scan.state = "doubt";
      scan.verdict = NOT_STORED;
    } else if (decided === "service" && !(await this.#ask(scan))) {
      scan.state = "doubt";
      scan.verdict = UNREACHABLE;
      this.#follow(scan);
    }
    this.wiring.onVerdict(scan);
    this.wiring.onChange();
  }

  /**
   * The tablet's own verdict, where it holds the ticket. One that its disk kept waiting for comes
   * late: then it is shown only where its amber still stands.
   * @param {Scan} scan @returns {Promise<"own" | "service" | "storing">}
   */
  async #decide(scan) {
    const first = scan.own === undefined;
    scan.own ??= this.wiring.decide(scan.body).catch((error) => {
      console.error(error);
      return null;
    });
    const { own } = scan;
    const late = new Promise((resolve) => setTimeout(() => resolve("late"), OWN_MS));
    const said = await Promise.race([own, late]);
    if (said === "late") {
      if (first)
        own.then((verdict) => {
          if (verdict === null || scan.state !== "doubt") return;
          this.#know(scan, verdict);
          this.wiring.onVerdict(scan, true);
          this.wiring.onChange();
        });
      return "storing";
    }
    if (said === null) return "service";
    this.#know(scan, said);
    return "own";
  }

  /** @param {Scan} scan @param {Verdict} verdict */
  #know(scan, verdict) {
    scan.verdict = { direction: scan.body.direction, ...verdict };
    scan.state = "known";
  }

  /** Asks what became of a scan in doubt, until that is known. @param {Scan} scan */
  async #follow(scan) {
    for (let count = 0; count < ASKS_MAX; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      if (scan.state !== "doubt") return;
      try {
        const verdict = await read(`/v1/scans/${scan.body.scan_id}`);
        if (scan.state !== "doubt") return;
        this.#know(scan, verdict);
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 404) continue;
        if (scan.verdict === NOT_COUNTED) continue;
        scan.verdict = NOT_COUNTED; // it may still be on its way: asked for on and on
      }
      this.wiring.onVerdict(scan, true);
      this.wiring.onChange();
    }
  }

  /** One attempt. False: no answer that says anything of this scan. @param {Scan} scan */
  async #ask(scan) {
    const token = this.wiring.token();
    try {
      const response = await attempt(
        "/v1/scans",
        {
          method: "POST",
          headers: {
            "Content-Type": "application/json",
            ...(token ? { Authorization: `Bearer ${token}` } : {}),
          },
          body: JSON.stringify(scan.body),
        },
        ANSWER_MS,
      );
      if (response.status >= 500 || response.status === 429) return false;
      this.#know(scan, await bodyOf(response));
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
  if (problem.reason === "device_revoked")
    return {
      verdict: "wait",
      reason: problem.reason,
      title: "Not paired",
      instruction: problem.fields.kept
        ? "This tablet's pairing has ended. The scan waits for a manager; nobody was counted."
        : "This tablet's pairing has ended. Ask the desk; do not let anybody in on this.",
    };
  if (problem.reason === "out_of_scope")
    return {
      verdict: "wait",
      reason: problem.reason,
      title: "Not tonight",
      instruction: `${problem.message} Nobody was counted.`,
    };
  const signedOut = problem.status === 401 || problem.status === 403;
  return {
    verdict: "wait",
    reason: problem.reason,
    title: signedOut ? "Sign in" : "Not readable",
    instruction: signedOut
      ? "This tablet may not scan. Sign in again, or pair it."
      : problem.message,
  };
}
