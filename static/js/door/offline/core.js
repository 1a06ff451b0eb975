// @ts-check
/**
 * The tablet's half of the offline protocol: a pure machine, without sockets, disks or clocks.
 *
 * The same machine as `scanners/offline.py`, step by step; both are held to the same outputs by
 * tests/acceptance/test_offline_core.py, and docs/offline.md tells the whole protocol. Every input
 * has the clocks' readings (`mono`, `wall`, in milliseconds) and a fresh `id`.
 *
 *   start {records, alone} · scan {scan_id, ticket_id, generation, people, direction, body}
 *   stored {op} · failed {op} · answer {key, status, reason?, body?} · lost {key}
 *   recall {tickets} · take {body} · give_back · revoked · tab {alone} · tick
 *
 *   store {op, put, delete} · send {key, kind, lease_id, body} · ask {scan_id}
 *   verdict {scan_id, verdict, reason, people, left}
 */

export const SKEW_MS = 5000; // the two clocks may differ by so much since the last acknowledgement
export const RENEW_MS = 20000; // a lease that is older is renewed
export const RETRY_MS = 2000; // after a request without an answer

/** @typedef {Object<string, any>} Json */

export class Device {
  constructor() {
    this.begin([], false);
  }

  /** A new life: only the records are left of the one before. @param {[string, any][]} records @param {boolean} alone */
  begin(records, alone) {
    /** @type {Map<string, any>} as they will be once every store is done */
    this.records = new Map(records);
    this.alone = alone; // no other tab of this tablet is open
    /** @type {{mono: number, wall: number} | null} at the sending of what was last acknowledged */
    this.anchor = null;
    /** @type {Json | null} durable, until its answer is */
    this.request = this.records.get("request") ?? null;
    /** @type {{mono: number, wall: number} | null} */
    this.firstSent = null;
    this.isOld = this.request !== null; // of an earlier life: nobody knows when it was sent
    this.waiting = false;
    this.settling = false;
    this.retryAt = 0;
    /** @type {Set<string>} */
    this.recalled = new Set();
    this.closing = false;
    /** @type {Map<string, number>} scans of a ticket that are being stored */
    this.pending = new Map();
    const names = [...this.records.keys()].filter((key) => key.startsWith("scan:")).sort();
    /** @type {string[]} scans to tell, in order */
    this.spool = names.filter((name) => this.records.get(name).refused === null);
    /** @type {string | null} */
    this.telling = null;
    this.tellAt = 0;
    /** @type {Map<number, Json>} */
    this.ops = new Map();
    this.nextOp = 1;
    const last = names.at(-1);
    this.nextSeq = last === undefined ? 1 : Number(last.slice(5)) + 1;
    /** @type {string | null} why the last lease that was asked for was not given */
    this.refused = null;
    this.revoked = false; // the service takes this tablet for nobody any more
  }

  // ------------------------------------------------------------------------ what the screen shows

  /** @returns {Json | null} */
  get lease() {
    return this.records.get("lease") ?? null;
  }

  /** The tickets that this tablet alone may admit. */
  held() {
    return [...this.records.entries()]
      .filter(([key, record]) => key.startsWith("ticket:") && record.state === "held")
      .map(([key]) => key.slice(7))
      .sort();
  }

  /** none, ready, unsure (ask the server first), over, giving_back, second_tab, revoked. @param {Json} given */
  status(given) {
    if (this.revoked) return "revoked";
    if (!this.alone) return "second_tab";
    if (this.lease === null) return "none";
    if (this.closing) return "giving_back";
    if (this.anchor === null) return "unsure";
    return this.elapsed(given) >= this.lease.lasts_ms ? "over" : "ready";
  }

  /** Since the sending of what was last acknowledged: the larger of both counts. @param {Json} given */
  elapsed(given) {
    const anchor = /** @type {{mono: number, wall: number}} */ (this.anchor);
    return Math.max(given.mono - anchor.mono, given.wall - anchor.wall);
  }

  // --------------------------------------------------------------------------------- one step

  /** What follows from the input. @param {Json} given @returns {Json[]} */
  step(given) {
    /** @type {Json[]} */
    const out = [];
    if (given.type === "start") this.begin(given.records, given.alone);
    else this.#look(given);
    if (given.type === "scan") this.#scan(given, out);
    else if (given.type === "stored" || given.type === "failed") {
      const todo = this.ops.get(given.op);
      this.ops.delete(given.op);
      if (todo) this.#stored(todo, given, given.type === "stored", out);
    } else if (given.type === "answer") this.#answer(given, out);
    else if (given.type === "lost") this.#lost(given);
    else if (given.type === "recall") {
      const held = new Set(this.held());
      for (const ticket of given.tickets) if (held.has(ticket)) this.recalled.add(ticket);
    } else if (given.type === "take") {
      if (this.#mayTake()) {
        this.refused = null;
        this.#askFor(given, "take", null, given.body, [], out);
      }
    } else if (given.type === "give_back") this.closing = this.lease !== null;
    else if (given.type === "revoked") this.#revoke();
    else if (given.type === "tab") {
      this.alone = given.alone;
      this.anchor = null;
    }
    this.#goOn(given, out);
    return out;
  }

  #mayTake() {
    return this.alone && !this.revoked && this.lease === null && !this.#isBusy();
  }

  /**
   * Nobody is let in from this step on; only the scans are still told. What the disk says of the
   * lease goes as soon as it can: a reload before that trusts nothing of it either.
   */
  #revoke() {
    this.revoked = true;
    this.anchor = null;
    this.request = null;
  }

  /** Two clocks that do not agree are no clock. @param {Json} given */
  #look(given) {
    if (this.anchor === null) return;
    const byMono = given.mono - this.anchor.mono;
    const byWall = given.wall - this.anchor.wall;
    if (Math.abs(byMono - byWall) > SKEW_MS || byMono < 0) this.anchor = null;
  }

  // --------------------------------------------------------------------------------- scans

  /** @param {Json} given @param {Json[]} out */
  #scan(given, out) {
    const key = `ticket:${given.ticket_id}`;
    const ticket = this.records.get(key);
    if (!this.alone) return this.#say(given.scan_id, "wait", "second_tab", out);
    if (!ticket || ticket.state !== "held" || given.direction !== "in") {
      out.push({ type: "ask", scan_id: given.scan_id });
      return;
    }
    let left = ticket.places - ticket.used;
    let reason = this.#doubt(given, ticket);
    if (reason === null && left <= 0) {
      reason = "already_in";
      left = 0;
    }
    if (reason === null && given.people === null && left > 1) reason = "how_many";
    const people = given.people || 1;
    if (reason === null && people > left) reason = "party_full";
    if (reason !== null) return this.#say(given.scan_id, "wait", reason, out, 0, left);
    this.pending.set(given.ticket_id, (this.pending.get(given.ticket_id) ?? 0) + 1);
    const name = `scan:${String(this.nextSeq).padStart(10, "0")}`;
    this.nextSeq += 1;
    const scan = {
      scan_id: given.scan_id, ticket_id: given.ticket_id, people, lease_id: ticket.lease_id,
      body: given.body, refused: null,
    };
    const todo = { then: "scan", name, scan, left: left - people };
    const used = { ...ticket, used: ticket.used + people };
    this.#store([[key, used], [name, scan]], [], todo, out);
  }

  /** Why this tablet may not admit the ticket now. @param {Json} given @param {Json} ticket @returns {string | null} */
  #doubt(given, ticket) {
    const lease = this.lease;
    if (this.revoked) return "revoked";
    if (this.anchor === null || lease === null) return "unsure";
    if (this.closing || this.recalled.has(ticket.ticket_id)) return "given_back";
    const elapsed = this.elapsed(given);
    if (elapsed >= lease.lasts_ms) return "lease_over";
    if (given.generation !== null && given.generation !== ticket.generation) return "replaced";
    if (elapsed < lease.opens_in_ms) return "too_early";
    return elapsed >= lease.closes_in_ms ? "too_late" : null;
  }

  /** Green comes when the scan is stored, and not before. @param {Json} todo @param {Json} given @param {boolean} done @param {Json[]} out */
  #scanStored(todo, given, done, out) {
    const { ticket_id: ticketId, people, scan_id: scanId } = todo.scan;
    const key = `ticket:${ticketId}`;
    this.pending.set(ticketId, (this.pending.get(ticketId) ?? 0) - 1);
    const ticket = this.records.get(key);
    const lease = this.lease;
    const over = this.anchor === null || lease === null || this.elapsed(given) >= lease.lasts_ms;
    if (done && !over) {
      this.spool.push(todo.name);
      return this.#say(scanId, "admit", "admitted", out, people, todo.left);
    }
    // Nobody is let in by it: the places are free again, and there is nothing to tell.
    this.records.delete(todo.name);
    /** @type {[string, any][]} */
    const put = ticket ? [[key, { ...ticket, used: ticket.used - people }]] : [];
    this.#store(put, [todo.name], { then: "nothing" }, out);
    const reason = this.revoked ? "revoked" : "lease_over";
    this.#say(scanId, "wait", done ? reason : "not_stored", out);
  }

  /**
   * @param {string} scanId @param {string} verdict @param {string} reason @param {Json[]} out
   * @param {number} [people] @param {number | null} [left]
   */
  #say(scanId, verdict, reason, out, people = 0, left = null) {
    out.push({ type: "verdict", scan_id: scanId, verdict, reason, people, left });
  }

  // --------------------------------------------------------------------------------- storing

  /**
   * One transaction of the disk: all of it or nothing.
   * @param {[string, any][]} put @param {string[]} gone @param {Json} todo @param {Json[]} out
   */
  #store(put, gone, todo, out) {
    for (const [key, value] of put) this.records.set(key, value);
    for (const key of gone) this.records.delete(key);
    const op = this.nextOp;
    this.nextOp += 1;
    this.ops.set(op, todo);
    out.push({ type: "store", op, put, delete: gone });
  }

  /** @param {Json} todo @param {Json} given @param {boolean} done @param {Json[]} out */
  #stored(todo, given, done, out) {
    if (todo.then === "scan") this.#scanStored(todo, given, done, out);
    else if (todo.then === "request") this.#requestStored(todo, done);
    else if (todo.then === "settled") {
      this.settling = false;
      if (done) return this.#settled(todo);
      this.#restore(todo.before); // the same answer comes again
      this.retryAt = given.mono + RETRY_MS;
    } else if (todo.then === "forgotten") {
      this.settling = false;
      if (done) return;
      this.#restore(todo.before);
      this.retryAt = given.mono + RETRY_MS;
    } else if (todo.then === "told") {
      this.telling = null;
      if (done) this.spool.splice(this.spool.indexOf(todo.name), 1);
      else {
        this.records.set(todo.name, todo.scan);
        this.tellAt = given.mono + RETRY_MS;
      }
    }
  }

  /** @param {Json} before */
  #restore(before) {
    for (const [key, value] of Object.entries(before)) this.records.set(key, value);
  }

  // ------------------- requests: one at a time, durable before it is sent, the same until answered

  #isBusy() {
    return this.request !== null || this.settling;
  }

  /**
   * @param {Json} given @param {string} kind @param {string | null} leaseId @param {Json} body
   * @param {[string, any][]} put @param {Json[]} out
   */
  #askFor(given, kind, leaseId, body, put, out) {
    const request = { key: given.id, kind, lease_id: leaseId, body };
    const before = Object.fromEntries(put.map(([key]) => [key, this.records.get(key)]));
    this.settling = true;
    this.#store([...put, ["request", request]], [], { then: "request", request, before }, out);
  }

  /** @param {Json} todo @param {boolean} done */
  #requestStored(todo, done) {
    this.settling = false;
    if (!done) {
      this.records.delete("request");
      this.#restore(todo.before);
      return;
    }
    this.request = todo.request;
    this.firstSent = null;
    this.isOld = false;
    this.waiting = false;
    this.retryAt = 0;
  }

  /** @param {Json} given @param {Json[]} out */
  #answer(given, out) {
    const request = this.request;
    if (this.telling !== null && given.key === this.telling) this.#told(given, out);
    else if (request !== null && given.key === request.key && !this.settling) {
      this.waiting = false;
      this.#heard(request, given, out);
    }
  }

  /** The answer is stored, with what it changes; then it is settled. @param {Json} request @param {Json} given @param {Json[]} out */
  #heard(request, given, out) {
    const body = given.body ?? {};
    /** @type {[string, any][]} */
    const put = [];
    const gone = ["request"];
    let anchor = this.firstSent;
    /** @type {string | null} */
    let ended = null;
    if (given.status !== "ok" && request.kind === "take") {
      ended = given.reason ?? null;
      anchor = null;
    } else if (given.status !== "ok" || body.status !== "live") {
      ended = body.status ?? given.reason ?? null;
      anchor = null;
      const tickets = [...this.records.keys()].filter((key) => key.startsWith("ticket:"));
      gone.push("lease", ...tickets.sort());
    } else {
      put.push(["lease", leaseOf(body)]);
      if (request.kind === "take")
        for (const ticket of body.tickets)
          put.push([`ticket:${ticket.ticket_id}`, ticketOf(ticket, body.lease_id)]);
      if (request.kind === "return")
        gone.push(...request.body.tickets.map((/** @type {Json} */ t) => `ticket:${t.ticket_id}`));
      if (request.kind !== "take") this.anchor = anchor;
    }
    const before = Object.fromEntries(
      gone.filter((key) => this.records.has(key)).map((key) => [key, this.records.get(key)]),
    );
    if (this.lease !== null) before.lease = this.lease;
    const recalled = body.recalled ?? [];
    const todo = { then: "settled", before, anchor, ended, kind: request.kind, recalled };
    this.settling = true;
    this.#store(put, gone, todo, out);
  }

  /** The answer is durable: the next request may go. @param {Json} todo */
  #settled(todo) {
    this.request = null;
    this.firstSent = null;
    this.isOld = false;
    if (todo.ended !== null) {
      this.refused = todo.ended;
      this.closing = false;
      this.anchor = null;
      this.recalled = new Set();
      return;
    }
    if (todo.kind === "take" && !this.revoked) this.anchor = todo.anchor;
    if (this.lease === null) this.closing = false;
    const held = new Set(this.held());
    this.recalled = new Set([...this.recalled, ...todo.recalled].filter((t) => held.has(t)));
  }

  /** A scan is deleted when it was acknowledged; a refused one is kept for a person. @param {Json} given @param {Json[]} out */
  #told(given, out) {
    const name = this.spool[0];
    const scan = this.records.get(name);
    const todo = { then: "told", name, scan };
    if (given.status === "ok") this.#store([], [name], todo, out);
    else this.#store([[name, { ...scan, refused: given.reason ?? null }]], [], todo, out);
    this.telling = `storing ${name}`;
  }

  /** @param {Json} given */
  #lost(given) {
    if (this.telling !== null && given.key === this.telling) {
      this.telling = null;
      this.tellAt = given.mono + RETRY_MS;
    } else if (this.request !== null && given.key === this.request.key) {
      this.waiting = false;
      this.retryAt = given.mono + RETRY_MS;
    }
  }

  // --------------------------------------------------------------------------------- what is due

  /** @param {Json} given @param {Json[]} out */
  #goOn(given, out) {
    if (!this.alone) return;
    if (this.revoked) this.#forget(given, out);
    else if (this.request !== null) {
      if (!this.waiting && !this.settling && given.mono >= this.retryAt)
        this.#send(this.request, given, out);
    } else if (!this.settling && this.lease !== null) this.#keepUp(this.lease, given, out);
    if (this.telling === null && this.spool.length > 0 && given.mono >= this.tellAt) {
      const scan = this.records.get(this.spool[0]);
      this.telling = scan.scan_id;
      const { scan_id: key, lease_id, body } = scan;
      out.push({ type: "send", key, kind: "scan", lease_id, body });
    }
  }

  /** The lease of a revoked tablet leaves its disk. @param {Json} given @param {Json[]} out */
  #forget(given, out) {
    const gone = [...this.records.keys()].filter((key) => !key.startsWith("scan:")).sort();
    if (gone.length === 0 || this.settling || given.mono < this.retryAt) return;
    this.request = null;
    this.settling = true;
    const before = Object.fromEntries(gone.map((key) => [key, this.records.get(key)]));
    this.#store([], gone, { then: "forgotten", before }, out);
  }

  /** @param {Json} request @param {Json} given @param {Json[]} out */
  #send(request, given, out) {
    if (this.firstSent === null && !this.isOld)
      this.firstSent = { mono: given.mono, wall: given.wall };
    this.waiting = true;
    out.push({ type: "send", ...request });
  }

  /**
   * Tickets that were asked for go back; otherwise the lease is renewed when it is time. Tickets
   * whose scans are being stored wait for that: their number is not known yet.
   * @param {Json} lease @param {Json} given @param {Json[]} out
   */
  #keepUp(lease, given, out) {
    const held = this.held();
    const wanted = this.closing ? held : held.filter((ticket) => this.recalled.has(ticket));
    const ready = wanted.filter((ticket) => (this.pending.get(ticket) ?? 0) === 0);
    if (ready.length > 0 && (ready.length === wanted.length || !this.closing))
      this.#giveBack(lease, ready, given, out);
    else if (this.anchor === null || this.elapsed(given) >= RENEW_MS)
      this.#askFor(given, "renew", lease.lease_id, { counter: lease.counter }, [], out);
  }

  /** Durably not admitted any more, and then told. @param {Json} lease @param {string[]} tickets @param {Json} given @param {Json[]} out */
  #giveBack(lease, tickets, given, out) {
    const records = tickets.map((ticket) => this.records.get(`ticket:${ticket}`));
    const stated = records.map((one) => ({ ticket_id: one.ticket_id, admitted: one.used }));
    /** @type {[string, any][]} */
    const put = records.map((one) => [`ticket:${one.ticket_id}`, { ...one, state: "returning" }]);
    const body = { counter: lease.counter, tickets: stated };
    this.#askFor(given, "return", lease.lease_id, body, put, out);
  }
}

/** @param {Json} body @returns {Json} */
function leaseOf(body) {
  return {
    lease_id: body.lease_id, counter: body.counter, night: body.night, door: body.door,
    lasts_ms: body.lasts_seconds * 1000, opens_in_ms: body.opens_in_ms,
    closes_in_ms: body.closes_in_ms,
  };
}

/** @param {Json} ticket @param {string} leaseId @returns {Json} */
function ticketOf(ticket, leaseId) {
  return {
    ticket_id: ticket.ticket_id, booking_id: ticket.booking_id, generation: ticket.generation,
    party: ticket.party, places: ticket.places, tables: ticket.tables, lease_id: leaseId, used: 0,
    state: "held",
  };
}
