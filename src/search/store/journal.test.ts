import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manyItems } from "../../../tests/fixtures/retrieval-items.js";
import { StoreError } from "../../errors.js";
import { Journal, type JournalEntry, readJournal } from "./journal.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "journal-"));
  path = join(folder, "journal.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

const entries: readonly JournalEntry[] = [
  { kind: "upsert", items: manyItems(3, { embedDim: 5 }) },
  { kind: "delete", ids: ["a", "it's"] },
  { kind: "upsert", items: manyItems(1, { embedDim: 5, seed: 2 }) },
];

async function written(): Promise<number[]> {
  const { journal } = await Journal.open(path);
  const ends: number[] = [];
  for (const entry of entries) {
    await journal.append(entry);
    ends.push(journal.sizeBytes);
  }
  await journal.close();
  return ends;
}

describe("Journal", () => {
  it("gives back what was appended, until it is cleared", async () => {
    const ends = await written();
    expect(statSync(path).size).toBe(ends[2]);
    const { journal, entries: found } = await Journal.open(path);
    expect(found).toEqual(entries);
    await journal.clear();
    await journal.close();
    expect((await readJournal(path)).entries).toEqual([]);
    expect((await readJournal(join(folder, "missing"))).entries).toEqual([]);
  });

  it("ends before an entry that was cut off at any byte, and continues there", async () => {
    const [, second = 0, third = 0] = await written();
    const whole = readFileSync(path);
    for (const size of [third - 1, second + 9, second + 8, second + 7, second + 1]) {
      writeFileSync(path, whole.subarray(0, size));
      const { journal, entries: found } = await Journal.open(path);
      expect(found).toEqual(entries.slice(0, 2));
      await journal.append({ kind: "delete", ids: ["later"] });
      await journal.close();
      expect((await readJournal(path)).entries).toEqual([
        ...entries.slice(0, 2),
        { kind: "delete", ids: ["later"] },
      ]);
    }
    truncateSync(path, 0);
  });

  it("ends before an entry whose bytes changed", async () => {
    const [first = 0] = await written();
    const bytes = readFileSync(path);
    bytes[first + 20] = (bytes[first + 20] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    expect((await readJournal(path)).entries).toEqual(entries.slice(0, 1));
  });

  it("refuses entries of another version", async () => {
    const { journal } = await Journal.open(path);
    await journal.append({ kind: "rename" } as unknown as JournalEntry);
    await journal.close();
    await expect(Journal.open(path)).rejects.toThrow(StoreError);
  });
});
