import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimLock } from "./folder-lock.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lock-"));
  path = join(folder, "inside", "lock");
});
afterEach(() => rmSync(folder, { recursive: true }));

const busy = (processId: number) => new Error(`busy with ${processId}`);

describe("claimLock", () => {
  it("lets one in at a time, names who is in, and leaves nothing behind", async () => {
    const results = await Promise.allSettled([1, 2, 3].map(() => claimLock(path, busy)));
    const claimed = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    expect(claimed).toHaveLength(1);
    await expect(claimLock(path, busy)).rejects.toThrow(`busy with ${process.pid}`);
    await claimed[0]?.();
    const free = await claimLock(path, busy);
    await free();
    expect(readdirSync(join(folder, "inside"))).toEqual([]);
  });

  it("counts the claim of a process that runs, and not when it was killed", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000); console.log('up')"]);
    await once(child.stdout, "data");
    await (await claimLock(path, busy))();
    writeFileSync(path, JSON.stringify({ processId: child.pid, started: "" }));
    await expect(claimLock(path, busy)).rejects.toThrow(`busy with ${child.pid}`);
    child.kill("SIGKILL");
    await once(child, "close");
    await (await claimLock(path, busy))();
  });

  it("does not count a number that now belongs to another process, nor anything that is no claim", async () => {
    const free = await claimLock(path, busy);
    const own = readFileSync(path, "utf8");
    await free();
    for (const text of [
      own.replace(/"started":"./, '"started":"x'),
      "",
      "17",
      "{",
      '{"processId":-1,"started":""}',
    ]) {
      writeFileSync(path, text);
      const again = await claimLock(path, busy);
      expect(readFileSync(path, "utf8")).toBe(own);
      await again();
    }
  });
});
