/** What `package-lock.json` may say: checksums, and no registry's address. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface LockEntry {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
}

const lock: { readonly packages: Readonly<Record<string, LockEntry>> } = JSON.parse(
  readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"),
);
// The project itself, and its workspaces: folders, and links to them.
const entries = Object.entries(lock.packages).filter(
  ([path, { link }]) => path.includes("node_modules/") && link !== true,
);

/** Packages that the registry of the last `npm install` did not have; docs/decisions/0002-dependencies.md says more. */
const withoutChecksum = [
  "node_modules/@lancedb/lancedb-darwin-arm64",
  "node_modules/@lancedb/lancedb-linux-arm64-gnu",
  "node_modules/@lancedb/lancedb-linux-arm64-musl",
  "node_modules/@lancedb/lancedb-win32-arm64-msvc",
  "node_modules/@lancedb/lancedb-win32-x64-msvc",
];

describe("package-lock.json", () => {
  it("has a checksum of every package but those that could not be had", () => {
    const without = entries.filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
    expect(without.map(([path]) => path)).toEqual(withoutChecksum);
  });

  it("names no registry", () => {
    expect(entries.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });
});
