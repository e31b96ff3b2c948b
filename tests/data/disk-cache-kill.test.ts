/** Processes that write the same cache and are killed in the middle leave only whole entries. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DiskCache } from "../../src/files/disk-cache.js";

/** Compiled by the set-up that every npm script begins with. */
const compiled = new URL("../../dist/files/disk-cache.js", import.meta.url);
const length = 200_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-cache-kill-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes entries 0, 1, 2, ... again and again, eight at a time; never ends by itself. */
const writer = `
  import { DiskCache } from ${JSON.stringify(compiled.href)};
  const cache = new DiskCache({ folder: process.argv[1] });
  console.log("ready");
  for (let n = 0; ; n += 8) {
    const write = (i) => cache.write(String((n + i) % 40).padStart(64, "0"), new Uint8Array(${length}).fill((n + i) % 40));
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(write));
  }`;

describe.skipIf(!existsSync(compiled))("a disk cache whose writers are killed", () => {
  it("holds whole entries only", async () => {
    for (let round = 0; round < 3; round += 1) {
      const writers = [1, 2].map(() =>
        spawn(process.execPath, ["--input-type=module", "-e", writer, folder], {
          stdio: ["ignore", "pipe", "inherit"],
        }),
      );
      await Promise.all(writers.map((child) => once(child.stdout, "data")));
      await new Promise((later) => setTimeout(later, 200 + 50 * round));
      for (const child of writers) child.kill("SIGKILL");
      await Promise.all(writers.map((child) => once(child, "close")));
      const cache = new DiskCache({ folder });
      const keys = readdirSync(join(folder, "00"))
        .filter((name) => name.endsWith(".rgb"))
        .map((name) => `00${name.slice(0, -4)}`);
      expect(keys.length).toBeGreaterThan(0);
      for (const key of keys) {
        const content = await cache.read(key, length);
        expect(
          content?.every((value) => value === Number(key)),
          key,
        ).toBe(true);
      }
      expect(cache.statistics.damaged).toBe(0);
    }
  });
});
