/** Items in a LanceDB table on disk, with the care that it needs: durable writes, recovery, and a plan for every query. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { SdfnError, StoreError } from "../../errors.js";
import type { Filter } from "./filter.js";
import { Journal, type JournalEntry } from "./journal.js";
import { lanceFilter } from "./lance-filter.js";
import { buildIndexes, readTraining, trainingFile } from "./lance-indexes.js";
import { type Connection, loadLance, type Table } from "./lance-library.js";
import { planQuery } from "./lance-plan.js";
import { moveDamagedAside, requireUndamaged } from "./lance-recovery.js";
import {
  type ItemRow,
  itemColumns,
  itemOf,
  itemSchema,
  itemTable,
  summaryColumns,
  summaryOf,
  vectorColumns,
} from "./lance-rows.js";
import { StoreFiles } from "./store-files.js";
import {
  checkedItems,
  type ListedItems,
  requireUnitVector,
  type StoreAnswer,
  type StoredItem,
  type StoredSummary,
  type StoredVectors,
  type StoreHit,
  type StoreList,
  type StoreQuery,
  type VectorStore,
} from "./vector-store.js";

export interface LanceStoreOptions {
  readonly embedDim: number;
  /**
   * One process at a time may write (the caller sees to that); any number may read meanwhile. "create" also makes the
   * store where there is none.
   */
  readonly access: "read" | "write" | "create";
}

const tableName = "items";
const journalFile = "journal.log";

/** Writes until the table is tidied in the background. */
const writesPerTidying = 40;
/** Versions are kept for queries under way in other processes. */
const keptVersionsMs = 60_000;
/** Writes continue while indexes are built, and win. */
const optimiseAttempts = 5;
const journalBytes = 64 * 2 ** 20;
/** Ids in one condition. */
const idsPerQuery = 500;

/**
 * A folder with LanceDB's table, a journal, and what is known of the vector index (IVF with RaBitQ codes).
 * A write is in the journal before the table sees it, and the table's new files are synced before it is acknowledged.
 */
export class LanceStore implements VectorStore {
  readonly embedDim: number;
  readonly #folder: string;
  readonly #connection: Connection;
  readonly #table: Table;
  /** Undefined for reading. */
  readonly #journal: Journal | undefined;
  readonly #files: StoreFiles;
  #writes: Promise<unknown> = Promise.resolve();
  #writesSinceTidying = 0;
  #tidying: Promise<void> | undefined;
  #tidyingFailure: unknown;

  private constructor(
    folder: string,
    embedDim: number,
    opened: { readonly connection: Connection; readonly table: Table; readonly journal: Journal | undefined },
  ) {
    this.#folder = folder;
    this.embedDim = embedDim;
    this.#connection = opened.connection;
    this.#table = opened.table;
    this.#journal = opened.journal;
    this.#files = new StoreFiles(folder, isWrittenOnce);
  }

  /**
   * Opens the store in a folder; for writing it is repaired where a crash left it damaged.
   * @throws StoreError when it cannot be opened so.
   */
  static async open(folder: string, { embedDim, access }: LanceStoreOptions): Promise<LanceStore> {
    let movedAside: readonly string[] = [];
    try {
      const tableFolder = join(folder, `${tableName}.lance`);
      if (access !== "read") {
        await mkdir(folder, { recursive: true });
        movedAside = await moveDamagedAside(tableFolder, folder);
      } else await requireUndamaged(tableFolder);
    } catch (cause) {
      throw cannotOpen(folder, cause);
    }
    const lance = await loadLance();
    const connection = await lance.connect(folder, { readConsistencyInterval: 0 });
    try {
      const isThere = (await connection.tableNames()).includes(tableName);
      if (!isThere && access !== "create") {
        throw new StoreError(
          `${folder}: there is no store in this folder; make the index with \`sdfn index\``,
        );
      }
      const table = isThere
        ? await connection.openTable(tableName)
        : await connection.createEmptyTable(tableName, itemSchema(embedDim));
      if (access === "read")
        return new LanceStore(folder, embedDim, { connection, table, journal: undefined });
      const { journal, entries, isWhole } = await Journal.open(join(folder, journalFile));
      const store = new LanceStore(folder, embedDim, { connection, table, journal });
      if (movedAside.length > 0) await store.#files.accept(movedAside);
      // A table whose newest version is there has all that was acknowledged. A journal that cannot be read to its end
      // would take it back to an earlier state.
      await store.#replay(isWhole || movedAside.length > 0 ? entries : []);
      return store;
    } catch (cause) {
      connection.close();
      throw cannotOpen(folder, cause);
    }
  }

  async upsert(items: readonly StoredItem[]): Promise<void> {
    const checked = checkedItems(items, this.embedDim);
    if (checked.length > 0) await this.#write({ kind: "upsert", items: checked });
  }

  async delete(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.#write({ kind: "delete", ids });
  }

  async get(ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>> {
    return this.#guarded(() => this.#get(ids));
  }

  async #get(ids: readonly string[]): Promise<ReadonlyMap<string, StoredItem>> {
    const found = new Map<string, StoredItem>();
    for (const part of parts(ids)) {
      const where = lanceFilter({ kind: "id", anyOf: part });
      const rows = (await this.#table.query().where(where).toArray()) as ItemRow[];
      for (const row of rows) found.set(row.id, itemOf(row));
    }
    return found;
  }

  async query(query: StoreQuery): Promise<StoreAnswer> {
    requireUnitVector("query", query.vector, this.embedDim);
    return this.#guarded(() => this.#query(query));
  }

  async #query({ vector, limit, offset = 0, filter, isExact = false }: StoreQuery): Promise<StoreAnswer> {
    const where = filter && lanceFilter(filter);
    const [total, fitting, training] = await Promise.all([
      this.#table.countRows(),
      this.#table.countRows(where),
      isExact ? undefined : readTraining(this.#folder),
    ]);
    if (fitting === 0 || limit < 1) return { hits: [], fitting, plan: "exact" };
    const partitions = training?.partitions;
    const { plan, probes, refine } = planQuery({ partitions, fitting, total, wanted: limit + offset });
    let search = this.#table
      .query()
      .nearestTo(vector)
      .column("vector")
      .distanceType("cosine")
      .select([...itemColumns, "_distance"])
      .limit(Math.min(limit + offset, fitting));
    if (where !== undefined) search = search.where(where);
    search = plan === "exact" ? search.bypassVectorIndex() : search.nprobes(probes).refineFactor(refine);
    const rows = (await search.toArray()) as (ItemRow & { readonly _distance: number })[];
    const hits: StoreHit[] = rows.map((row) => ({ ...itemOf(row), score: 1 - row._distance }));
    hits.sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return { hits: hits.slice(offset), fitting, plan };
  }

  async list(page: StoreList): Promise<ListedItems> {
    return this.#guarded(() => this.#list(page));
  }

  async #list({ filter, limit, offset = 0 }: StoreList): Promise<ListedItems> {
    const where = filter && lanceFilter(filter);
    const fitting = await this.#table.countRows(where);
    if (limit < 1 || offset >= fitting) return { items: [], fitting };
    let listing = this.#table.query().select([...summaryColumns]);
    if (where !== undefined) listing = listing.where(where);
    const rows = await listing
      .orderBy({ columnName: "id", ascending: true })
      .limit(limit)
      .offset(offset)
      .toArray();
    return { items: rows.map(summaryOf), fitting };
  }

  async count(filter?: Filter): Promise<number> {
    return this.#guarded(() => this.#table.countRows(filter && lanceFilter(filter)));
  }

  summaries(): AsyncIterable<readonly StoredSummary[]> {
    return this.#batches(summaryColumns, (rows) => (rows as StoredSummary[]).map(summaryOf));
  }

  ids(): AsyncIterable<readonly string[]> {
    return this.#batches(["id"], (rows) => (rows as Pick<StoredSummary, "id">[]).map(({ id }) => id));
  }

  items(): AsyncIterable<readonly StoredItem[]> {
    return this.#batches(undefined, (rows) => (rows as ItemRow[]).map(itemOf));
  }

  async *vectors(filter?: Filter): AsyncGenerator<StoredVectors> {
    const { embedDim } = this;
    const batches = this.#batches(vectorColumns, (rows) => rows as Pick<ItemRow, "id" | "vector">[], filter);
    for await (const rows of batches) {
      const vectors = new Float32Array(rows.length * embedDim);
      for (const [i, { vector }] of rows.entries()) vectors.set(vector.toArray(), i * embedDim);
      yield { ids: rows.map(({ id }) => id), vectors };
    }
  }

  async *#batches<T>(
    columns: readonly string[] | undefined,
    read: (rows: unknown[]) => readonly T[],
    filter?: Filter,
  ): AsyncGenerator<readonly T[]> {
    try {
      const all = filter === undefined ? this.#table.query() : this.#table.query().where(lanceFilter(filter));
      for await (const batch of columns ? all.select([...columns]) : all) yield read(batch.toArray());
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  async damagedFiles(signal?: AbortSignal): Promise<readonly string[]> {
    try {
      return await this.#files.damaged(signal);
    } catch (cause) {
      throw signal?.aborted ? signal.reason : this.#failed(cause);
    }
  }

  async acceptFiles(names: readonly string[]): Promise<void> {
    await this.#guarded(() => this.#files.accept(names));
  }

  async optimise({ isRebuilt = false }: { readonly isRebuilt?: boolean } = {}): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#tidying;
      try {
        await this.#journal?.requirePresent();
        await this.#guarded(() => this.#tidy({ isComplete: true, isRebuilt }));
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === optimiseAttempts) throw error;
      }
    }
  }

  async close(): Promise<void> {
    await this.#writes;
    await this.#tidying;
    await this.#journal?.clear();
    await this.#journal?.close();
    this.#table.close();
    this.#connection.close();
    if (this.#tidyingFailure !== undefined) {
      throw new StoreError(
        `${this.#folder}: the store could not be tidied, all items are safe; got ${this.#tidyingFailure}`,
        { cause: this.#tidyingFailure },
      );
    }
  }

  /** Errors of the engine are about the folder: deleted, full, not to be read. */
  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #failed(cause: unknown): SdfnError {
    if (cause instanceof SdfnError) return cause;
    const reason = String(cause).replaceAll("\n", " ").slice(0, 300);
    return new StoreError(
      `${this.#folder}: the store failed; got ${reason}; check that the folder is there, may be used and has room; ` +
        "if so, it may be damaged: `sdfn index check` tells",
      { cause },
    );
  }

  /** One write after the other: journal, table, sync. */
  #write(entry: JournalEntry): Promise<void> {
    const journal = this.#journal;
    if (journal === undefined) {
      return Promise.reject(new StoreError(`${this.#folder}: the store was opened for reading`));
    }
    const done = this.#writes.then(async () => {
      const { sizeBytes } = journal;
      await journal.append(entry);
      try {
        await this.#apply(entry);
        await this.#files.sync();
      } catch (cause) {
        await journal.cutBack(sizeBytes); // it was refused, and must not come true when the store is opened again
        throw this.#failed(cause);
      }
      if (journal.sizeBytes > journalBytes) await journal.clear();
      this.#writesSinceTidying += 1;
      if (this.#writesSinceTidying >= writesPerTidying) this.#tidyInBackground();
    });
    this.#writes = done.catch(() => undefined);
    return done;
  }

  async #apply(entry: JournalEntry): Promise<void> {
    if (entry.kind === "upsert") {
      await this.#table
        .mergeInsert("id")
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute(itemTable(entry.items, this.embedDim));
      return;
    }
    for (const part of parts(entry.ids)) await this.#table.delete(lanceFilter({ kind: "id", anyOf: part }));
  }

  async #replay(entries: readonly JournalEntry[]): Promise<void> {
    for (const entry of entries) await this.#apply(entry);
    await this.#files.sync();
    await this.#journal?.clear();
  }

  #tidyInBackground(): void {
    if (this.#tidying !== undefined) return;
    this.#writesSinceTidying = 0;
    this.#tidying = this.#tidy({ isComplete: false, isRebuilt: false })
      .catch((error: unknown) => {
        // A write that came in between wins; the next time will do.
        if (!isConflict(error)) this.#tidyingFailure = error;
      })
      .finally(() => {
        this.#tidying = undefined;
      });
  }

  /** Small files are joined and new items come into the indexes; `isComplete` also builds indexes that are due. */
  async #tidy({
    isComplete,
    isRebuilt,
  }: {
    readonly isComplete: boolean;
    readonly isRebuilt: boolean;
  }): Promise<void> {
    if (isComplete) {
      const isTrained = await buildIndexes(this.#table, this.#folder, { files: this.#files, isRebuilt });
      if (isTrained) await this.#files.accept([trainingFile]);
    }
    // Nothing is removed before what replaces it is safe.
    await this.#table.optimize({ cleanupOlderThan: new Date(0) });
    await this.#files.sync();
    await this.#table.optimize({ cleanupOlderThan: new Date(Date.now() - keptVersionsMs) });
    await this.#files.sync();
  }
}

function cannotOpen(folder: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  return new StoreError(
    `${folder}: the store cannot be opened; got ${cause}; check the folder's permissions; if it may be used, it is damaged: ` +
      "restore it from a copy, or index the catalogue into another folder",
    { cause },
  );
}

/** All files of the table are but its hint at the newest version; `vector-index.json` is written with each new index. */
function isWrittenOnce(name: string): boolean {
  return name === trainingFile || (name.startsWith(`${tableName}.lance`) && !name.endsWith(".json"));
}

/** Did another change of the table come first? */
function isConflict(error: unknown): boolean {
  return /conflict|concurrent/i.test(String(error));
}

function parts(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / idsPerQuery) }, (_, i) =>
    ids.slice(i * idsPerQuery, (i + 1) * idsPerQuery),
  );
}
