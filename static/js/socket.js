// @ts-check
/**
 * One live connection that is always being kept up: it knows versions and close codes, no tables.
 *
 * A socket that looks open may be dead (sleep, a changed network, a cable): silence for two
 * heartbeats means stale, and coming back to the page asks the other end for a sign of life with a
 * short deadline. Reconnecting waits a random part of a growing delay, or what a `bye` asked for.
 */

/**
 * @typedef {"connecting" | "live" | "stale" | "reconnecting" | "signed_out" | "revoked"} Link
 * @typedef {{
 *   hello: () => Object<string, any>,
 *   onFrame: (frame: Object<string, any>) => void,
 *   onLink: (link: Link) => void,
 * }} Wiring
 */

const SUBPROTOCOL = "backroom.v1";
const OPEN_DEADLINE_MS = 6000; // hello and welcome; a healthy server takes a few milliseconds
const PROBE_DEADLINE_MS = 2000;
const FIRST_DELAY_MS = 250;
// The crowd lets the staff in first, and does not arrive in one instant (load/storm.py).
const PUBLIC_FIRST_DELAY_MS = 2000;
const LONGEST_DELAY_MS = 8000;
const WATCH_MS = 500;
const CROWDED_DELAY_MS = 45000; // longer than a dead screen of one's own is still counted
const CLOSE = {
  restart: 1012, slow: 4008, bad: 4400, signIn: 4401, revoked: 4403, crowded: 4429,
};

export class Connection {
  /** @param {Wiring} wiring */
  constructor(wiring) {
    this.wiring = wiring;
    /** @type {Link} */
    this.link = "connecting";
    /** @type {WebSocket | null} */
    this.socket = null;
    this.heartbeatMs = 5000;
    this.heardAt = 0; // performance.now() of the last frame
    this.deadlineAt = 0; // 0: nothing is owed by the other end
    this.failures = 0;
    this.timer = 0;
    /** @type {number | null} */
    this.promisedDelayMs = null; // a bye said when to return
    this.stopped = false;
  }

  /** Connects, and keeps connected until `stop`. */
  start() {
    setInterval(() => this.#watch(), WATCH_MS);
    const probe = () => this.probe();
    document.addEventListener("visibilitychange", () => document.hidden || probe());
    window.addEventListener("pageshow", probe);
    window.addEventListener("online", probe);
    window.addEventListener("offline", () => this.#set("stale"));
    this.#open();
  }

  /** Ends for good, for instance after signing out. */
  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
    this.socket?.close(1000);
  }

  /** Starts again from hello: the audience, the night or the token has changed. */
  restart() {
    this.stopped = false;
    this.failures = 0;
    this.promisedDelayMs = null;
    this.#open();
  }

  /** The service refused this screen elsewhere: it ends here too. @param {"signed_out" | "revoked"} link */
  refuse(link) {
    this.stop();
    this.#set(link);
  }

  /** Milliseconds since the other end was last heard. */
  get silenceMs() {
    return this.heardAt === 0 ? Infinity : performance.now() - this.heardAt;
  }

  /** @param {Object<string, any>} frame */
  send(frame) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  /** Asks for a sign of life: answered within two seconds, or the socket is given up. */
  probe() {
    if (this.stopped) return;
    if (this.socket?.readyState === WebSocket.OPEN) {
      if (this.deadlineAt === 0) {
        this.send({ type: "snapshot" });
        this.deadlineAt = performance.now() + PROBE_DEADLINE_MS;
      }
    } else if (this.socket?.readyState !== WebSocket.CONNECTING) {
      this.#open();
    }
  }

  #open() {
    clearTimeout(this.timer);
    this.#drop();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/ws`, SUBPROTOCOL);
    this.socket = socket;
    this.deadlineAt = performance.now() + OPEN_DEADLINE_MS;
    if (this.link !== "connecting") this.#set("reconnecting");
    socket.addEventListener("open", () => this.send({ type: "hello", ...this.wiring.hello() }));
    socket.addEventListener("message", (message) => this.#hear(socket, message));
    socket.addEventListener("close", (closing) => {
      if (this.socket === socket) this.#closed(closing.code);
    });
  }

  /** Lets go of a socket without waiting for its closing handshake, which may never come. */
  #drop() {
    const old = this.socket;
    this.socket = null;
    this.deadlineAt = 0;
    if (old && old.readyState <= WebSocket.OPEN) old.close(1000);
  }

  /** @param {WebSocket} socket @param {MessageEvent} message */
  #hear(socket, message) {
    if (this.socket !== socket) return;
    const frame = JSON.parse(message.data);
    this.heardAt = performance.now();
    this.deadlineAt = 0;
    if (frame.type === "welcome") {
      this.heartbeatMs = frame.heartbeat_seconds * 1000;
      this.promisedDelayMs = null;
    }
    if (frame.type === "bye") this.promisedDelayMs = frame.reconnect_in * 1000;
    else if (frame.type !== "welcome") this.failures = 0;
    this.#set("live");
    this.wiring.onFrame(frame);
  }

  /** @param {number} code */
  #closed(code) {
    this.#drop();
    if (code === CLOSE.signIn || code === CLOSE.revoked) {
      this.stopped = true;
      this.#set(code === CLOSE.signIn ? "signed_out" : "revoked");
      return;
    }
    if (this.stopped) return;
    this.#set("reconnecting");
    const audience = this.wiring.hello().audience ?? "public";
    const first = audience === "public" ? PUBLIC_FIRST_DELAY_MS : FIRST_DELAY_MS;
    const growing = Math.min(LONGEST_DELAY_MS, first * 2 ** this.failures);
    const ceiling = code === CLOSE.crowded ? CROWDED_DELAY_MS : growing;
    const delay = this.promisedDelayMs ?? ceiling * (0.5 + Math.random() / 2);
    this.promisedDelayMs = null;
    this.failures = code === CLOSE.bad ? 6 : Math.min(this.failures + 1, 6);
    this.timer = window.setTimeout(() => this.#open(), delay);
  }

  #watch() {
    if (this.stopped) return;
    const now = performance.now();
    if (this.deadlineAt !== 0 && now > this.deadlineAt) {
      this.#closed(1006);
    } else if (this.link === "live" && this.silenceMs > 2.2 * this.heartbeatMs) {
      this.#set("stale");
      this.probe();
    }
  }

  /** @param {Link} link */
  #set(link) {
    if (link === this.link) return;
    this.link = link;
    this.wiring.onLink(link);
  }
}
