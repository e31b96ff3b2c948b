/** A process that writes to a store and is killed at any moment loses nothing that it was told is safe. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { storeFolder } from "../../src/search/store/local-store.js";
import { claimWriter, openStore } from "../../src/search/store/store-kinds.js";
import { testedStores } from "../fixtures/tested-stores.js";

/** Compiled by the set-up that every npm script begins with. */
const compiled = new URL("../../dist/search/store/store-kinds.js", import.meta.url);
const embedDim = 8;
const batch = 5;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "store-kill-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/**
 * Writes rounds n = first, first + 1, ... until it is killed: items `n/0` to `n/4`, and the removal of `n-1/0`; says
 * "put n" and "cut n-1" when each is acknowledged. Two writes are always under way.
 */
const writer = `
  import { writeSync } from "node:fs";
  import { claimWriter, openStore } from ${JSON.stringify(compiled.href)};
  const [settings, folder, first] = process.argv.slice(1);
  await claimWriter(JSON.parse(settings), folder);
  const access = first === "1" ? "create" : "write";
  const store = await openStore(JSON.parse(settings), { folder, embedDim: ${embedDim}, access });
  const item = (n, i) => ({
    id: n + "/" + i, hash: String(n), category: "c", price: i, tags: ["t"], details: String(n * 100 + i),
    vector: new Float32Array(${embedDim}).fill(0).with(n % ${embedDim}, 1),
  });
  for (let n = Number(first); ; n += 1) {
    await Promise.all([
      store.upsert(Array.from({ length: ${batch} }, (_, i) => item(n, i))).then(() => writeSync(1, "put " + n + "\\n")),
      store.delete([n - 1 + "/0"]).then(() => writeSync(1, "cut " + (n - 1) + "\\n")),
    ]);
  }`;

describe.skipIf(!existsSync(compiled)).each(testedStores)(
  "a store of kind $kind whose writer is killed",
  (settings) => {
    it("has every acknowledged write, and no half of any", async () => {
      const put = new Set<number>();
      const cut = new Set<number>();
      let first = 1;
      for (let round = 0; round < 5; round += 1) {
        const args = [JSON.stringify(settings), folder, String(first)];
        const child = spawn(process.execPath, ["--input-type=module", "-e", writer, ...args], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        let output = "";
        child.stdout.on("data", (chunk: Buffer) => {
          output += chunk.toString();
          // Somewhere in the next writes, not at their end.
          if (output.split("\n").length > 8 + round) setTimeout(() => child.kill("SIGKILL"), 13 * round);
        });
        await once(child, "close");
        for (const line of output.trimEnd().split("\n")) {
          const [what, n] = line.split(" ");
          (what === "put" ? put : cut).add(Number(n));
        }
        // What a crash of the machine would add: a journal entry that was cut off.
        const journal = join(storeFolder(folder), "journal.log");
        if (settings.kind === "lance") appendFileSync(journal, Buffer.from([9, 0, 0, 0, 1, 2]));
        const giveFree = await claimWriter(settings, folder); // the claim of a process that was killed does not count
        const store = await openStore(settings, { folder, embedDim, access: "write" });
        const items = new Map<number, number[]>();
        for await (const part of store.items()) {
          for (const { id, hash, details, vector } of part) {
            const [n = -1, i = -1] = id.split("/").map(Number);
            expect({ hash, details, one: vector[n % embedDim] }).toEqual({
              hash: String(n),
              details: String(n * 100 + i),
              one: 1,
            });
            items.set(n, [...(items.get(n) ?? []), i]);
          }
        }
        await store.close();
        await giveFree();
        for (const n of put) expect(items.has(n), `round ${n} was acknowledged`).toBe(true);
        for (const [n, found] of items)
          expect(found.filter((i) => i > 0).sort(), `round ${n}`).toEqual([1, 2, 3, 4]);
        for (const n of cut) expect(items.get(n)?.includes(0) ?? false, `${n}/0 was removed`).toBe(false);
        first = Math.max(...items.keys()) + 1;
      }
      expect(put.size).toBeGreaterThan(15);
    });
  },
);
