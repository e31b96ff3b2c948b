import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sha256Of, sha256OfFile, sha256OfFileSync } from "./sha256.js";

const folder = mkdtempSync(join(tmpdir(), "sha256-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("SHA-256", () => {
  it("is the standard's: FIPS 180-2, appendix B", () => {
    expect(sha256Of("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(sha256Of("é")).toBe(sha256Of(Uint8Array.of(0xc3, 0xa9)));
  });

  it.each([0, 3, 2 ** 20, 2 ** 21 + 7])("is the same of a file of %d bytes", async (length) => {
    const content = Uint8Array.from({ length }, (_, i) => (7 * i) % 251);
    const file = join(folder, String(length));
    writeFileSync(file, content);
    expect(await sha256OfFile(file)).toBe(sha256Of(content));
    expect(sha256OfFileSync(file)).toBe(sha256Of(content));
  });

  it("of a file that is not there is the system's error", async () => {
    await expect(sha256OfFile(join(folder, "none"))).rejects.toThrow(/ENOENT/);
    expect(() => sha256OfFileSync(join(folder, "none"))).toThrow(/ENOENT/);
  });
});
