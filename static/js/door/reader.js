// @ts-check
/**
 * The page's end of the reader's worker: one picture at a time, each with a deadline. A worker that
 * does not answer is ended, and another one started.
 */

import { scriptAt } from "./scripts.js";

const WORKER = "/static/js/door/reader-worker.js";
const START_MS = 20_000; // a cold tablet on a slow network fetches half a megabyte first
const READ_MS = 3000;

/** The reader could not be started, or gave up. */
export class ReaderBroken extends Error {}

export class Reader {
  constructor() {
    /** @type {Worker | null} */
    this.worker = null;
    /** @type {Promise<void> | null} */
    this.ready = null;
    /** Who reads: "browser" or "wasm"; "" before it is known. */
    this.by = "";
    this.number = 0;
    /** @type {{number: number, done: (codes: string[]) => void} | null} */
    this.asked = null;
  }

  /** Starts the worker, and resolves when it can read. Raises ReaderBroken. */
  start() {
    this.ready ??= new Promise((resolve, reject) => {
      const worker = new Worker(scriptAt(WORKER), { type: "module", name: "reader" });
      this.worker = worker;
      const fail = (/** @type {string} */ why) => {
        this.stop();
        reject(new ReaderBroken(why));
      };
      const timer = setTimeout(() => fail("The reader did not start."), START_MS);
      worker.onerror = (event) => {
        clearTimeout(timer);
        fail(event.message || "The reader's script did not load.");
      };
      worker.onmessage = ({ data }) => {
        if (data.ready) {
          clearTimeout(timer);
          this.by = data.ready;
          resolve();
        } else if (data.broken) {
          clearTimeout(timer);
          fail(data.broken);
        } else if (this.asked && data.number === this.asked.number) {
          const { done } = this.asked;
          this.asked = null;
          done(data.codes);
        }
      };
    });
    return this.ready;
  }

  /**
   * The texts of the codes in a picture, which is handed over. Raises ReaderBroken: no answer.
   * @param {ImageBitmap} picture @returns {Promise<string[]>}
   */
  async read(picture) {
    await this.start();
    const number = (this.number += 1);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.stop(); // the next picture starts another worker
        reject(new ReaderBroken("The reader hangs."));
      }, READ_MS);
      this.asked = {
        number,
        done: (codes) => {
          clearTimeout(timer);
          resolve(codes);
        },
      };
      this.worker?.postMessage({ number, picture }, [picture]);
    });
  }

  stop() {
    this.worker?.terminate();
    this.worker = this.ready = this.asked = null;
  }
}
