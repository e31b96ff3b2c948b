/** Shoppers' own pictures, kept in this browser so that a reload and the way back still have them. */

const databaseName = "sdfn-uploads";
const storeName = "pictures";
/** Newer ones push older ones out. */
const mostKept = 20;

/** Of this visit; all there is where the browser keeps nothing (private windows of some). */
const inMemory = new Map<string, Blob>();

/** Keeps a picture and gives the key under which addresses name it. */
export async function keepUpload(picture: Blob): Promise<string> {
  const random = crypto.getRandomValues(new Uint8Array(6));
  const name = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // Keys are in order of time, so the oldest are the first.
  const key = `${Date.now().toString(36)}-${name}`;
  inMemory.set(key, picture);
  await inStore("readwrite", async (store) => {
    await done(store.put(picture, key));
    const keys = await done(store.getAllKeys());
    for (const old of keys.slice(0, -mostKept)) store.delete(old);
  }).catch(() => undefined);
  return key;
}

/** The picture; undefined when this browser does not have it (any more). */
export async function findUpload(key: string): Promise<Blob | undefined> {
  const known = inMemory.get(key);
  if (known !== undefined) return known;
  const stored: unknown = await inStore("readonly", (store) => done(store.get(key))).catch(() => undefined);
  if (!(stored instanceof Blob)) return undefined;
  inMemory.set(key, stored);
  return stored;
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => Promise<T>): Promise<T> {
  const opening = window.indexedDB.open(databaseName, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
  const database = await done(opening);
  try {
    return await work(database.transaction(storeName, mode).objectStore(storeName));
  } finally {
    database.close();
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
