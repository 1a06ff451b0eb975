// @ts-check
/**
 * The offline door: what a screen talks to. It carries out what the pure machine (core.js) says, on
 * the disk (spool.js), over HTTP, and by the clocks of this tablet.
 *
 *   const offline = await OfflineDoor.open({ token, onChange });
 *   await offline.decide(body)      // a verdict, or null: the service has to be asked
 *   offline.take(night, door)       // hold the tickets before going to the basement
 *   offline.giveBack()              // and give them back
 *   offline.hear(live)              // at each change of the live night: recalls come by it
 *   offline.view                    // {status, left_ms, tickets, spool, refused, problem}
 *
 * `onChange` is called when `view` may have changed. With a lease this tablet decides about its
 * tickets by itself, connected or not: the service is told at once, and never asked.
 */

import { Unreachable, attempt, bodyOf, Problem } from "../../api.js";
import { importKeys, readCode } from "./codes.js";
import { Device } from "./core.js";
import { Spool } from "./spool.js";
import { WORDS } from "./words.js";

const TICK_MS = 1000;
const ANSWER_MS = 2000;
const KEEP_MS = 60000; // between two looks at the list and the keys
const LOCK = "backroom-door"; // held by the one tab that may admit

/**
 * @typedef {Object<string, any>} Json
 * @typedef {{token: () => string | null, onChange: () => void}} Wiring
 * @typedef {{
 *   status: string, left_ms: number, tickets: number, spool: number, refused: number,
 *   problem: string | null,
 * }} View
 */

export class OfflineDoor {
  /** @param {Spool} spool @param {Wiring} wiring */
  constructor(spool, wiring) {
    this.spool = spool;
    this.wiring = wiring;
    this.device = new Device();
    /** @type {Map<string, (verdict: Json | null) => void>} scans that wait for their verdict */
    this.waiting = new Map();
    /** @type {Json | null} what the service gave for when there is no connection */
    this.kept = null;
    /** @type {Map<number, CryptoKey> | null} */
    this.keys = new Map();
    this.keptAt = -Infinity;
  }

  /**
   * The machine starts with what is on the disk. Raises DOMException: this browser keeps nothing;
   * then nobody is admitted offline on it.
   * @param {Wiring} wiring
   */
  static async open(wiring) {
    const door = new OfflineDoor(await Spool.open(), wiring);
    await door.#keepKeys((await door.spool.kept("door")) ?? null);
    await door.#start(false);
    door.#beAlone();
    setInterval(() => door.#tick(), TICK_MS);
    return door;
  }

  /** @returns {View} */
  get view() {
    const device = this.device;
    const given = this.#given("tick");
    const status = device.status(given);
    const left = status === "ready" && device.lease ? device.lease.lasts_ms - device.elapsed(given) : 0;
    const scans = [...device.records.keys()].filter((key) => key.startsWith("scan:"));
    return {
      status,
      left_ms: left,
      tickets: device.held().length,
      spool: device.spool.length,
      refused: scans.filter((key) => device.records.get(key).refused !== null).length,
      problem: this.keys === null ? "no_ed25519" : device.refused,
    };
  }

  /** Tonight's list with masked names, and the keys, as they were last given. */
  get list() {
    return this.kept;
  }

  /**
   * The verdict on a scan (the body of `POST /v1/scans`), or null: the service has to be asked.
   * @param {Json} body @returns {Promise<Json | null>}
   */
  async decide(body) {
    if (this.device.lease === null) return null;
    const found = await this.#find(body);
    if (found === null) return null;
    if (found.refused === "unproven") return this.#worded({ ...UNPROVEN, scan_id: body.scan_id });
    const { observed: _, ...told } = body;
    return new Promise((resolve) => {
      this.waiting.set(body.scan_id, resolve);
      this.#step({
        ...this.#given("scan"), scan_id: body.scan_id, ticket_id: found.ticket_id,
        generation: found.generation, people: body.people ?? null,
        direction: body.direction ?? "in", body: this.#observed(told),
      });
    });
  }

  /** Asks for the tickets of the night at the door; `tables`: only those. @param {string} night @param {string} door @param {number[]} [tables] */
  take(night, door, tables) {
    if (this.keys === null) return;
    const body = tables ? { night, door, tables } : { night, door };
    this.#step({ ...this.#given("take"), body });
  }

  /** Everything goes back to the service, as soon as it is reached. */
  giveBack() {
    this.#step(this.#given("give_back"));
  }

  /** Looks for a recall of this tablet's tickets. @param {{state: {document: Json} | null}} live */
  hear(live) {
    const lease = this.device.lease;
    const leases = live.state?.document?.counts?.leases ?? {};
    const tickets = lease === null ? [] : (leases[lease.lease_id]?.recalled ?? []);
    if (tickets.length > 0) this.#step({ ...this.#given("recall"), tickets });
  }

  // --------------------------------------------------------------------------------- carrying out

  /** An input of the machine: both clocks, and an id for what may follow. @param {string} type */
  #given(type) {
    return {
      type, mono: Math.round(performance.now()), wall: Date.now(), id: crypto.randomUUID(),
    };
  }

  /** @param {Json} given */
  #step(given) {
    for (const one of this.device.step(given)) {
      if (one.type === "store") this.#store(/** @type {any} */ (one));
      else if (one.type === "send") this.#send(one);
      else this.#answer(one);
    }
    this.wiring.onChange();
  }

  /** @param {import("./spool.js").Writing} one */
  async #store(one) {
    const life = this.device;
    let type = "stored";
    try {
      await this.spool.write(one);
    } catch {
      type = "failed";
    }
    if (this.device === life) this.#step({ ...this.#given(type), op: one.op });
  }

  /** @param {Json} one */
  #answer(one) {
    const resolve = this.waiting.get(one.scan_id);
    this.waiting.delete(one.scan_id);
    resolve?.(one.type === "ask" ? null : this.#worded(one));
  }

  /** @param {Json} one */
  async #send(one) {
    const life = this.device;
    const { key } = one;
    let given = {};
    try {
      given = { type: "answer", key, status: "ok", body: await this.#post(one) };
    } catch (error) {
      if (error instanceof Problem && isFinal(error, one.kind))
        given = { type: "answer", key, status: kept(error) ? "ok" : "refused", reason: error.reason };
      else if (error instanceof Problem || error instanceof Unreachable) given = { type: "lost", key };
      else throw error;
    }
    if (this.device === life) this.#step({ ...this.#given("tick"), ...given });
  }

  /** @param {Json} one */
  async #post(one) {
    const { kind, key, lease_id: lease, body } = one;
    const token = this.wiring.token();
    const paths = { take: "/v1/leases", scan: "/v1/scans" };
    const path = kind in paths ? paths[/** @type {"take"} */ (kind)] : `/v1/leases/${lease}/${kind}`;
    const told = kind === "scan" ? { ...body, observed: { ...body.observed, lease } } : body;
    const response = await attempt(
      path,
      {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          "Idempotency-Key": key,
          ...(token ? { Authorization: `Bearer ${token}` } : {}),
        },
        body: JSON.stringify(told),
      },
      ANSWER_MS,
    );
    return bodyOf(response);
  }

  // --------------------------------------------------------------------------------- what is read

  /** The ticket of a code or a reference; null: nothing that this tablet knows. @param {Json} body @returns {Promise<Json | null>} */
  async #find(body) {
    if (body.code === undefined) {
      const plain = String(body.reference ?? "").toUpperCase().replace(/[^0-9A-Z]/g, "");
      const known = (this.kept?.tickets ?? []).find(
        (/** @type {Json} */ t) => t.reference.replace(/[^0-9A-Z]/g, "") === plain,
      );
      return known ? { ticket_id: known.ticket_id, generation: null, refused: null } : null;
    }
    if (this.keys === null) return { refused: "unproven" };
    const read = await readCode(body.code, this.keys, this.kept?.venue ?? 0);
    return read.claims && { ...read.claims, refused: null };
  }

  /** The scan as the service is told of it later. @param {Json} body */
  #observed(body) {
    const people = body.people ?? 1;
    return { ...body, people, observed: { at: this.#venueNow(), verdict: "admit" } };
  }

  /** The venue's clock by what was last heard of it. */
  #venueNow() {
    const base = this.kept ? Date.parse(this.kept.now) : Date.now();
    const gone = this.kept ? (Date.now() - this.kept.heard_at) * (this.kept.speed ?? 1) : 0;
    return new Date(base + gone).toISOString();
  }

  /** A verdict in the shape of the service's. @param {Json} one */
  #worded(one) {
    const words = WORDS[one.reason];
    return {
      scan_id: one.scan_id, verdict: one.verdict, reason: one.reason, ...words, people: one.people,
      left_to_enter: one.left, replayed: false, offline: true, tables: [], name: null,
      ...this.#party(one.scan_id),
    };
  }

  /** Who it is, as far as this tablet was told. @param {string} scanId */
  #party(scanId) {
    const records = [...this.device.records.values()];
    const scan = records.find((record) => record?.scan_id === scanId);
    const ticket = scan && (this.kept?.tickets ?? []).find(
      (/** @type {Json} */ t) => t.ticket_id === scan.ticket_id,
    );
    return ticket
      ? { name: ticket.name, tables: ticket.tables, party: ticket.party, booking_id: ticket.booking_id }
      : {};
  }

  // --------------------------------------------------------------------------------- its life

  /** @param {boolean} alone */
  async #start(alone) {
    this.device = new Device();
    const records = await this.spool.all();
    this.#step({ ...this.#given("start"), records, alone });
  }

  /** One tab of this tablet admits: the one that has the lock, until it is closed. */
  #beAlone() {
    if (!navigator.locks) return; // then no tab does
    navigator.locks.request(LOCK, async () => {
      await this.#start(true); // another tab may have changed the disk
      return new Promise(() => {});
    });
  }

  #tick() {
    this.#step(this.#given("tick"));
    if (performance.now() - this.keptAt > KEEP_MS) this.#keep();
  }

  /** What the service gives a day ahead is on the disk. */
  async #keep() {
    this.keptAt = performance.now();
    const token = this.wiring.token();
    if (!token) return;
    try {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await attempt("/v1/devices/self/door", { headers, cache: "no-store" }, ANSWER_MS);
      const kept = { ...(await bodyOf(response)), heard_at: Date.now() };
      await this.spool.keep("door", kept);
      await this.#keepKeys(kept);
    } catch (error) {
      if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    }
  }

  /** @param {Json | null} kept */
  async #keepKeys(kept) {
    this.kept = kept;
    this.keys = await importKeys(kept?.nights ?? []);
  }
}

const UNPROVEN = { verdict: "wait", reason: "unproven", people: 0, left: null };

/** Whether the same request would be refused for ever. @param {Problem} problem @param {string} kind */
function isFinal(problem, kind) {
  if (kept(problem)) return true;
  if (problem.reason === "lease_not_found") return true;
  if (kind === "take" && problem.status === 409 && problem.reason !== "try_again") return true;
  return kind !== "renew" && kind !== "return" && [400, 404, 422].includes(problem.status);
}

/** A scan of a tablet whose pairing has ended waits for a manager. @param {Problem} problem */
function kept(problem) {
  return problem.reason === "device_revoked" && Boolean(problem.fields.kept);
}
