import { describe, expect, it } from "vitest";
import { readSources } from "./sources.js";

/** What is done in one place only: how it shows in a source, and where it may. */
const places: readonly { readonly what: string; readonly sign: RegExp; readonly in: readonly string[] }[] = [
  { what: "the code of an error", sign: /"code" in|"syscall" in|ErrnoException/, in: ["files/errno.ts"] },
  {
    what: "a rename, by which what is whole gets its name",
    sign: /\brename(Sync)?\(/,
    // Also: a stale lock is moved aside, a resumed download has come to its end, a store's version is set aside.
    in: [
      "files/whole.ts",
      "files/folder-lock.ts",
      "data/fetch/fetch-archive.ts",
      "search/store/lance-recovery.ts",
    ],
  },
  { what: "the ending of what is not whole", sign: /["'`]\.part(ial)?["'`]/, in: ["files/whole.ts"] },
  {
    what: "SHA-256",
    sign: /createHash\("sha256"\)/,
    // Also: several parts go into one checksum.
    in: [
      "files/sha256.ts",
      "embedding/feature-keys.ts",
      "runs/run-parameters.ts",
      "training/data-fingerprint.ts",
      "tensor-files/safetensors.ts",
      "weights/word-vectors.ts",
    ],
  },
  { what: "a JSON file that is read", sign: /JSON\.parse\((await )?readFile/, in: [] },
];

describe("one way to do a thing", () => {
  const modules = readSources().filter(({ isTest }) => !isTest);
  it.each(places)("$what: in its own module", ({ sign, in: allowed }) => {
    const found = modules.filter(({ text }) => sign.test(text)).map(({ path }) => path);
    expect(found.sort()).toEqual([...allowed].sort());
  });
});
