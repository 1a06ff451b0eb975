// @ts-check
/**
 * The tablet's disk: records by key in IndexedDB, written strictly. A transaction is done when the
 * operating system says that it is on the disk (`durability: "strict"`), and not before.
 */

const NAME = "backroom-door";
const RECORDS = "records"; // the protocol's: all that survives a reload
const KEPT = "kept"; // what the service gave for when there is no connection

/** @typedef {{op: number, put: [string, any][], delete: string[]}} Writing */

export class Spool {
  /** @param {IDBDatabase} database */
  constructor(database) {
    this.database = database;
  }

  /** Raises DOMException: this browser keeps nothing, as in a private window. */
  static async open() {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore(RECORDS);
      asked.result.createObjectStore(KEPT);
    };
    const spool = new Spool(await result(asked));
    // So that the browser does not clear it when the disk is full.
    await navigator.storage?.persist?.().catch(() => false);
    return spool;
  }

  /** Every record, by key. @returns {Promise<[string, any][]>} */
  async all() {
    const store = this.database.transaction(RECORDS).objectStore(RECORDS);
    const [keys, values] = await Promise.all([result(store.getAllKeys()), result(store.getAll())]);
    return keys.map((key, at) => [String(key), values[at]]);
  }

  /** All of it or nothing. Raises DOMException: nothing. @param {Writing} writing */
  write(writing) {
    const transaction = this.database.transaction(RECORDS, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(RECORDS);
    for (const [key, value] of writing.put) store.put(value, key);
    for (const key of writing.delete) store.delete(key);
    return done(transaction);
  }

  /** @param {string} name @param {any} value */
  keep(name, value) {
    const transaction = this.database.transaction(KEPT, "readwrite", { durability: "strict" });
    transaction.objectStore(KEPT).put(value, name);
    return done(transaction);
  }

  /** @param {string} name */
  forget(name) {
    const transaction = this.database.transaction(KEPT, "readwrite", { durability: "strict" });
    transaction.objectStore(KEPT).delete(name);
    return done(transaction);
  }

  /** Nothing of it is left. */
  wipe() {
    const transaction = this.database.transaction([RECORDS, KEPT], "readwrite", { durability: "strict" });
    for (const name of [RECORDS, KEPT]) transaction.objectStore(name).clear();
    return done(transaction);
  }

  /** @param {string} name @returns {Promise<any>} */
  kept(name) {
    return result(this.database.transaction(KEPT).objectStore(KEPT).get(name));
  }
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function result(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function done(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}
