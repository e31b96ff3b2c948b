import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { claim } from "./process-lock.js";

const lock = () => join(mkdtempSync(join(tmpdir(), "lock-")), "lock");

describe("a claim on a folder", () => {
  it("keeps others out until it is released", async () => {
    const path = lock();
    const release = await claim(path);
    expect(await claim(path)).toBe(process.pid);
    if (typeof release === "function") await release();
    expect(existsSync(path)).toBe(false);
    expect(typeof (await claim(path))).toBe("function");
  });

  it("keeps out of a running process's folder, and takes over from one that is gone", async () => {
    const path = lock();
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    writeFileSync(path, String(child.pid));
    expect(await claim(path)).toBe(child.pid);
    const ended = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGKILL");
    await ended;
    expect(typeof (await claim(path))).toBe("function");
  });

  it("takes over from an earlier process with this one's number, as containers have", async () => {
    const path = lock();
    writeFileSync(path, String(process.pid));
    expect(typeof (await claim(path))).toBe("function");
  });
});
