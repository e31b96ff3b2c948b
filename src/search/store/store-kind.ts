/** What a kind of store is: what an index says of one, who may write to it, and how it is opened. */
import type { z } from "zod";
import type { VectorStore } from "./vector-store.js";

/** Which store an index has: a kind, and what that kind needs to find it. Part of `index.json`, so it holds no secret. */
export interface StoreSettings {
  readonly kind: string;
  readonly [setting: string]: unknown;
}

export interface StoreOptions {
  /** The index's folder. A store that keeps local files has a place in it (`local-store.ts`); others leave it alone. */
  readonly folder: string;
  /** D */
  readonly embedDim: number;
  /**
   * "read" and "write" open the store that is there. "create" makes an empty one, and removes what a process that was
   * stopped left of one. Whoever writes or creates has called `claimWriter` before.
   */
  readonly access: "read" | "write" | "create";
}

/** One kind of store. Its file is the only one that knows the engine. */
export interface StoreKind<Settings extends StoreSettings = StoreSettings> {
  /** Checks what an index says; the methods below get settings that fit. */
  readonly settings: z.ZodType<Settings>;
  /**
   * Makes this process the one that writes, before anything of the index is written.
   * @returns gives the store free; a process that ends gives it free too, however it ends.
   * @throws StoreError when another process writes.
   */
  claimWriter(settings: Settings, folder: string): Promise<() => Promise<void>>;
  /** @throws StoreError that says what to do when the store cannot be opened so. */
  open(settings: Settings, options: StoreOptions): Promise<VectorStore>;
}
