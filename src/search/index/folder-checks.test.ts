import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../errors.js";
import { requireIndexOrEmpty } from "./folder-checks.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "folder-checks-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("requireIndexOrEmpty", () => {
  it.each(["index.json.partial", "index.json.9f86d081.partial", "writer.lock.9f86d081"])(
    "takes %s, which a process left that was stopped while the index was made",
    async (name) => {
      writeFileSync(join(folder, name), "");
      await requireIndexOrEmpty(folder);
    },
  );

  it.each(["notes.json", "notes.json.partial"])("takes no folder that holds %s", async (name) => {
    writeFileSync(join(folder, name), "");
    await expect(requireIndexOrEmpty(folder)).rejects.toThrow(UsageError);
  });
});
