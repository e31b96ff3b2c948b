import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EnvironmentError } from "../errors.js";
import { writeDurably } from "./durable-file.js";

describe("writing a file whole or not at all", () => {
  it("joins the parts, replaces what was there, and says size and checksum", () => {
    const folder = mkdtempSync(join(tmpdir(), "durable-"));
    const file = join(folder, "a");
    writeDurably(file, ["old and longer"]);
    const written = writeDurably(file, ["né", Uint8Array.of(10)]);
    const content = readFileSync(file);
    expect(content.toString()).toBe("né\n");
    expect(written).toEqual({ sizeBytes: 4, sha256: createHash("sha256").update(content).digest("hex") });
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  it("leaves the old file and nothing else when the parts fail on the way", () => {
    const folder = mkdtempSync(join(tmpdir(), "durable-"));
    const file = join(folder, "a");
    writeDurably(file, ["old"]);
    function* failing() {
      yield "new";
      throw new RangeError("no more");
    }
    expect(() => writeDurably(file, failing())).toThrow(RangeError);
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(folder)).toEqual(["a"]);
  });

  it("names the file and the reason when the system refuses", () => {
    const folder = mkdtempSync(join(tmpdir(), "durable-"));
    mkdirSync(join(folder, "a"));
    expect(() => writeDurably(join(folder, "a"), ["x"])).toThrow(EnvironmentError);
  });
});
