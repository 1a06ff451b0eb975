// @ts-check
/**
 * What this tablet keeps of the night so that the list is there without a network: the door's
 * document, masked names and references, in IndexedDB, until an hour after the close and never
 * beyond the right to see them.
 */

const DATABASE = "backroom.door";
const STORE = "tonight";
const KEY = "list";

/**
 * @typedef {{
 *   night: string, document: import("../hash.js").FloorDocument,
 *   guests: import("./expected.js").GuestList,
 *   at: string, until: number,
 * }} Kept
 *   `at`: the venue's instant that it shows; `until`: real time in ms after which it is wiped.
 */

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
    asked.onblocked = () => reject(new Error("another tab holds the list"));
  });
}

/**
 * @template Result
 * @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest<Result>} act
 * @returns {Promise<Result>}
 */
async function within(mode, act) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const work = database.transaction(STORE, mode);
      const asked = act(work.objectStore(STORE));
      work.oncomplete = () => resolve(asked.result);
      work.onabort = work.onerror = () => reject(work.error);
    });
  } finally {
    database.close();
  }
}

/** @param {Kept} list */
export async function keep(list) {
  await within("readwrite", (store) => store.put(list, KEY));
}

/** What is kept, unless its time is over: then it is wiped. @returns {Promise<Kept | null>} */
export async function kept() {
  const found = /** @type {Kept | undefined} */ (await within("readonly", (store) => store.get(KEY)));
  if (!found) return null;
  if (Date.now() < found.until) return found;
  await wipe();
  return null;
}

/** Nothing of the guests is left on this tablet. */
export async function wipe() {
  await within("readwrite", (store) => store.clear());
}
