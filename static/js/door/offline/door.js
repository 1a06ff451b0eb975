// @ts-check
/**
 * The offline door: what a screen talks to. It carries out what the pure machine (core.js) says, on
 * the disk (spool.js), over HTTP, and by the clocks of this tablet.
 *
 *   const offline = await OfflineDoor.open({ token, onChange });
 *   await offline.decide(body)      // a verdict, or null: the service has to be asked
 *   offline.take(night, door)       // hold the tickets before going to the basement
 *   offline.giveBack()              // and give them back
 *   offline.hear(live)              // at each frame of the live night: recalls come by it
 *   offline.revoke()                // its pairing is over: nobody is let in from now on
 *   await offline.clear()           // before unpairing; only where nothing waits to be told
 *   offline.view                    // {status, left_ms, tickets, spool, refused, problem}
 *   offline.untold                  // people let in whom the service does not know yet, by booking
 *
 * `onChange` is called when `view` may have changed. With a lease this tablet decides about its
 * tickets by itself, connected or not: the service is told at once, and never asked.
 */

import { Unreachable, attempt, bodyOf, Problem } from "../../api.js";
import { plainOf } from "../reference.js";
import { importKeys, readCode } from "./codes.js";
import { Device } from "./core.js";
import { Spool } from "./spool.js";
import { WORDS } from "./words.js";

const TICK_MS = 1000;
const ANSWER_MS = 2000;
const KEEP_MS = 60000; // between two looks at the list and the keys
const AFTER_CLOSE_MS = 3600000; // so long the list is of use
const LOCK = "backroom-door"; // held by the one tab that may admit

/**
 * @typedef {Object<string, any>} Json
 * @typedef {{token: () => string | null, onChange: () => void, onRevoked?: () => void}} Wiring
 * @typedef {{
 *   status: string, left_ms: number, tickets: number, spool: number, refused: number,
 *   asking: boolean, problem: string | null,
 * }} View
 *   `asking`: for a lease, and no answer has come.
 */

export class OfflineDoor {
  /** @param {Spool} spool @param {Wiring} wiring */
  constructor(spool, wiring) {
    this.spool = spool;
    this.wiring = wiring;
    this.device = new Device();
    /** @type {Map<string, {ticket_id: string, resolve: (verdict: Json | null) => void}>} scans that wait for their verdict */
    this.waiting = new Map();
    /** @type {Json | null} what the service gave for when there is no connection */
    this.kept = null;
    /** @type {Map<number, CryptoKey> | null} */
    this.keys = new Map();
    this.keptAt = -Infinity;
    /** @type {number | null} when that was, in this life */
    this.heardMono = null;
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
    if (door.#isNightOver()) await door.#forgetList();
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
    const wish = device.request ?? device.records.get("request") ?? null;
    return {
      status,
      left_ms: left,
      tickets: device.held().length,
      spool: device.spool.length,
      refused: this.#refused().length,
      asking: wish?.kind === "take" && device.lease === null,
      problem: this.keys === null ? "no_ed25519" : device.refused,
    };
  }

  /** Scans that the service would not take, for a person to look at. @returns {{name: string | null, people: number, reason: string}[]} */
  get refusals() {
    return this.#refused().map(({ ticket_id: ticket, people, refused }) => {
      return { name: this.#known(ticket)?.name ?? null, people, reason: refused };
    });
  }

  /** How many people of each booking this tablet let in and has not told of. @returns {Map<string, number>} */
  get untold() {
    const { records } = this.device;
    const found = new Map();
    for (const key of this.device.spool) {
      const scan = records.get(key);
      if (!scan) continue; // it was answered, and its record is on its way off the disk
      const { ticket_id: ticket, people } = scan;
      const booking = this.#known(ticket)?.booking_id ?? records.get(`ticket:${ticket}`)?.booking_id;
      if (booking) found.set(booking, (found.get(booking) ?? 0) + people);
    }
    return found;
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
    if (found.refused === "unproven") return this.#worded({ ...UNPROVEN, scan_id: body.scan_id, ticket_id: null });
    const { observed: _, ...told } = body;
    return new Promise((resolve) => {
      this.waiting.set(body.scan_id, { ticket_id: found.ticket_id, resolve });
      this.#step({
        ...this.#given("scan"), scan_id: body.scan_id, ticket_id: found.ticket_id,
        generation: found.generation, people: body.people ?? null,
        direction: body.direction ?? "in", body: this.#observed(told),
      });
    });
  }

  /**
   * Asks for the tickets of the night at the door; `tables`: only those. The night's key comes
   * first: without it a tablet that is alone could prove no code of the parties that it holds.
   * @param {string} night @param {string} door @param {number[]} [tables]
   */
  async take(night, door, tables) {
    if (this.keys === null) return;
    if (!this.kept?.nights?.some((/** @type {Json} */ one) => one.night === night)) await this.#keep();
    const body = tables ? { night, door, tables } : { night, door };
    this.#step({ ...this.#given("take"), body });
  }

  /** Everything goes back to the service, as soon as it is reached. */
  giveBack() {
    this.#step(this.#given("give_back"));
  }

  /**
   * This tablet's pairing is over: it lets nobody in from now on, and forgets tonight's list. What
   * it has let in is still told, and kept by the service for a manager.
   */
  revoke() {
    if (this.device.revoked) return;
    this.#step(this.#given("revoked"));
    this.#forgetList();
    this.wiring.onRevoked?.();
  }

  /** Whether nothing on this tablet waits for anybody: no tickets, no scans. */
  get isClear() {
    return this.device.records.size === 0;
  }

  /** Nothing is left on the disk. Not while something waits to be told. */
  async clear() {
    const { spool, lease } = this.device;
    if (spool.length > 0 || lease !== null) throw new Error("not told yet");
    await this.spool.wipe();
    await this.#keepKeys(null);
    await this.#start(this.device.alone);
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
    const asked = this.waiting.get(one.scan_id);
    this.waiting.delete(one.scan_id);
    if (!asked) return;
    asked.resolve(one.type === "ask" ? null : this.#worded({ ...one, ticket_id: asked.ticket_id }));
  }

  /** @param {Json} one */
  async #send(one) {
    const life = this.device;
    const { key } = one;
    let given = {};
    try {
      given = { type: "answer", key, status: "ok", body: await this.#post(one) };
    } catch (error) {
      if (error instanceof Problem && isOver(error)) this.revoke();
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
      const plain = plainOf(String(body.reference ?? ""));
      const known = (this.kept?.tickets ?? []).find(
        (/** @type {Json} */ t) => plainOf(t.reference) === plain,
      );
      return known ? { ticket_id: known.ticket_id, generation: null, refused: null } : null;
    }
    if (this.keys === null) return { refused: "unproven" };
    const read = await readCode(body.code, this.keys, this.kept?.venue ?? 0);
    // A guest's own code (type 2) is no ticket of a lease: the service alone knows who used it.
    return read.claims?.type === 1 ? { ...read.claims, refused: null } : null;
  }

  /** The scan as the service is told of it later. @param {Json} body */
  #observed(body) {
    const people = body.people ?? 1;
    return { ...body, people, observed: { at: this.#venueNow(), verdict: "admit" } };
  }

  /** The venue's clock by what was last heard of it; this tablet's own may be a day off, or jump. */
  #venueNow() {
    if (!this.kept) return new Date().toISOString();
    const { now, heard_at: heardAt, speed } = this.kept;
    const gone = this.heardMono === null ? Date.now() - heardAt : performance.now() - this.heardMono;
    return new Date(Date.parse(now) + gone * (speed ?? 1)).toISOString();
  }

  /** A verdict in the shape of the service's. @param {Json} one */
  #worded(one) {
    return {
      scan_id: one.scan_id, verdict: one.verdict, reason: one.reason, ...WORDS[one.reason],
      at: this.#venueNow(), direction: "in", people: one.people, left_to_enter: one.left,
      replayed: false, offline: true, tables: [], name: null, ...this.#party(one.ticket_id, one.left),
    };
  }

  /**
   * Who it is, as far as this tablet was told. `admitted`: those who are in by its own count.
   * @param {string | null} ticketId @param {number | null} left
   */
  #party(ticketId, left) {
    const known = ticketId === null ? null : this.#known(ticketId);
    const held = this.device.records.get(`ticket:${ticketId}`) ?? null;
    const ticket = known ?? held;
    if (!ticket) return {};
    const { party, tables, booking_id } = ticket;
    return { name: known?.name ?? null, tables, party, booking_id, admitted: left === null ? null : party - left };
  }

  #refused() {
    const records = [...this.device.records];
    return records.filter(([key, one]) => key.startsWith("scan:") && one.refused !== null).map(([, one]) => one);
  }

  /** The ticket as the list has it. @param {string} ticketId @returns {Json | undefined} */
  #known(ticketId) {
    return (this.kept?.tickets ?? []).find((/** @type {Json} */ t) => t.ticket_id === ticketId);
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
    if (this.#isNightOver()) this.#forgetList();
    if (performance.now() - this.keptAt > KEEP_MS) this.#keep();
  }

  /** Names are kept until an hour after the close, and not longer. */
  #isNightOver() {
    const { night, nights } = this.kept ?? { night: null, nights: [] };
    const kept = nights.find((/** @type {Json} */ one) => one.night === night);
    return Boolean(kept) && Date.parse(this.#venueNow()) > Date.parse(kept.closes_at) + AFTER_CLOSE_MS;
  }

  /** Asks soon whether this tablet is still paired. */
  lookAgain() {
    this.keptAt = -Infinity;
  }

  /** What the service gives a day ahead is on the disk. */
  async #keep() {
    const token = this.wiring.token();
    if (!token || this.device.revoked) return;
    this.keptAt = performance.now();
    try {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await attempt("/v1/devices/self/door", { headers, cache: "no-store" }, ANSWER_MS);
      const kept = { ...(await bodyOf(response)), heard_at: Date.now() };
      if (this.device.revoked || this.wiring.token() !== token) return;
      this.heardMono = performance.now();
      await this.spool.keep("door", kept);
      await this.#keepKeys(kept);
    } catch (error) {
      if (error instanceof Problem && isOver(error)) this.revoke();
      else if (!(error instanceof Problem || error instanceof Unreachable)) throw error;
    }
  }

  async #forgetList() {
    this.kept = null;
    await this.spool.forget("door").catch((error) => console.warn("The list is still there", error));
  }

  /** @param {Json | null} kept */
  async #keepKeys(kept) {
    this.kept = kept;
    this.keys = await importKeys(kept?.nights ?? []);
  }
}

const UNPROVEN = { verdict: "wait", reason: "unproven", people: 0, left: null };

/**
 * Whether the same request would be refused for ever. A pairing that is over ends the lease by an
 * input of its own; the scans go on being told until they are kept.
 * @param {Problem} problem @param {string} kind
 */
function isFinal(problem, kind) {
  if (isOver(problem)) return kept(problem);
  if (problem.reason === "lease_not_found") return true;
  if (kind === "take" && problem.status === 409 && problem.reason !== "try_again") return true;
  return kind !== "renew" && kind !== "return" && [400, 404, 422].includes(problem.status);
}

/** The service takes this tablet's token for nobody's. @param {Problem} problem */
function isOver(problem) {
  return problem.reason === "device_revoked" || problem.reason === "token_refused";
}

/** A scan of a tablet whose pairing has ended waits for a manager. @param {Problem} problem */
function kept(problem) {
  return problem.reason === "device_revoked" && Boolean(problem.fields.kept);
}
