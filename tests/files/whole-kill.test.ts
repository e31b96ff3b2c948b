/** A process that is killed between the last byte and the rename, or whose disk is full, leaves the old file or folder. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeWhole, writeWholeFolder, writeWholeFolderSync, writeWholeSync } from "../../src/files/whole.js";

/** Compiled by the set-up that every npm script begins with. */
const compiled = new URL("../../dist/files/whole.js", import.meta.url);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "whole-kill-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Runs `call` in a process of its own; `dies()` in it kills that process. */
function killedIn(call: string): void {
  const script = `
    import { writeFileSync } from "node:fs";
    import * as whole from ${JSON.stringify(compiled.href)};
    const place = process.argv[1];
    const dies = () => process.kill(process.pid, "SIGKILL");
    function* parts() { yield "new"; dies(); }
    const fill = (partial) => { writeFileSync(partial + "/new", "new"); dies(); };
    await ${call};`;
  const { signal, stderr } = spawnSync(process.execPath, [
    "--input-type=module",
    "-e",
    script,
    join(root, "a"),
  ]);
  expect(signal, stderr.toString()).toBe("SIGKILL");
}

describe.skipIf(!existsSync(compiled))("a process that is killed before the rename", () => {
  it.each(["writeWhole", "writeWholeSync"])("leaves the old file: %s", async (name) => {
    const file = join(root, "a");
    writeFileSync(file, "old");
    for (let time = 0; time < 2; time += 1) killedIn(`whole.${name}(place, parts())`);
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(root).sort()).toEqual(["a", "a.partial"]); // one, however often
    if (name === "writeWhole") await writeWhole(file, "newer");
    else writeWholeSync(file, "newer");
    expect(readFileSync(file, "utf8")).toBe("newer");
    expect(readdirSync(root)).toEqual(["a"]);
  });

  it.each([
    [
      "writeWholeFolder",
      "whole.writeWholeFolder(place, async (partial) => fill(partial), { isReplaced: true })",
    ],
    ["writeWholeFolderSync", "whole.writeWholeFolderSync(place, fill)"],
  ])("leaves the old folder: %s", async (name, call) => {
    const folder = join(root, "a");
    mkdirSync(folder);
    if (name === "writeWholeFolder") writeFileSync(join(folder, "old"), "old");
    const before = readdirSync(folder);
    for (let time = 0; time < 2; time += 1) killedIn(call);
    expect(readdirSync(folder)).toEqual(before);
    expect(readdirSync(root).filter((entry) => entry.endsWith(".partial"))).toHaveLength(1);
    const fill = (partial: string) => writeFileSync(join(partial, "newer"), "newer");
    if (name === "writeWholeFolder") {
      await writeWholeFolder(folder, async (partial) => fill(partial), { isReplaced: true });
    } else writeWholeFolderSync(folder, fill);
    expect([readdirSync(root), readdirSync(folder)]).toEqual([["a"], ["newer"]]);
  });
});

describe("a full disk", () => {
  it("leaves the old file and folder, and is told with the file and the next step", async (context) => {
    const place = join(root, "small-disk");
    mkdirSync(place);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place]);
    } catch (error) {
      console.warn(`SKIPPED: a full disk needs the right to mount a small one; got ${error}`);
      context.skip();
    }
    try {
      const large = new Uint8Array(2 ** 21);
      const [file, folder] = [join(place, "file"), join(place, "folder")];
      const fill = (content: Uint8Array) => (partial: string) => writeFileSync(join(partial, "x"), content);
      await writeWhole(file, "old");
      writeWholeFolderSync(folder, fill(Uint8Array.of(1)));
      const full = /(file|folder): the disk is full; got ENOSPC; make room/;
      await expect(writeWhole(file, large)).rejects.toThrow(full);
      expect(() => writeWholeSync(file, [large])).toThrow(full);
      expect(() => writeWholeFolderSync(folder, fill(large))).toThrow(full);
      const replaced = writeWholeFolder(folder, async (partial) => fill(large)(partial), {
        isReplaced: true,
      });
      await expect(replaced).rejects.toThrow(full);
      expect(readFileSync(file, "utf8")).toBe("old");
      expect(readFileSync(join(folder, "x"))).toEqual(Buffer.of(1));
      expect(readdirSync(place).sort()).toEqual(["file", "folder"]);
    } finally {
      execFileSync("umount", [place]);
    }
  });
});
