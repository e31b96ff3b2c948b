import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paxPath, type TarEntry, tarFile } from "../../../tests/fetch/tar-file.js";
import { type ArchiveLimits, unpackArchive } from "./archive.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sdfn-archive-"));
});
afterAll(() => rm(folder, { recursive: true }));

const picture = Buffer.from("a picture");
const good: TarEntry = { path: "womens_clogs/0/good.jpg", content: picture };
const last: TarEntry = { path: "womens_clogs/1/last.jpg", content: Buffer.alloc(70_001, 7) };
const limits: ArchiveLimits = { maxEntries: 100, maxTotalBytes: 1e7, maxFileBytes: 1e5 };

/** Unpacks everything that the paths allow. */
async function unpack(
  archive: Uint8Array,
  { signal = new AbortController().signal, ...less } = {} as {
    signal?: AbortSignal;
  } & Partial<ArchiveLimits>,
) {
  const file = join(folder, "archive");
  await writeFile(file, archive);
  const taken = new Map<string, Uint8Array>();
  const refused = await unpackArchive(file, {
    limits: { ...limits, ...less },
    signal,
    isWanted: (path) => path.endsWith(".jpg"),
    async take(path, bytes) {
      taken.set(path, bytes);
    },
    onBytes: () => undefined,
  });
  return { taken: [...taken.keys()], bytes: [...taken.values()], refused };
}

describe("unpackArchive", () => {
  it.each([
    ["a tar", (tar: Buffer) => tar],
    ["a tar.gz", (tar: Buffer) => gzipSync(tar)],
  ])("takes the wanted files of %s", async (_, pack) => {
    const folderEntry: TarEntry = { path: "womens_clogs/", type: "5" };
    const unwanted: TarEntry = { path: "descr.txt", content: picture };
    const { taken, bytes, refused } = await unpack(pack(tarFile([folderEntry, good, unwanted, last])));
    expect(taken).toEqual(["womens_clogs/0/good.jpg", "womens_clogs/1/last.jpg"]);
    expect(bytes.map((content) => content.length)).toEqual([9, 70_001]);
    expect(refused).toEqual([]);
  });

  it.each<[string, TarEntry[], string]>([
    ["a path upwards", [{ path: "../up.jpg", content: picture }], "not a path inside"],
    ["a path upwards inside", [{ path: "a/../../up.jpg", content: picture }], "not a path inside"],
    ["an absolute path", [{ path: "/tmp/abs.jpg", content: picture }], "not a path inside"],
    ["a Windows path", [{ path: "C:\\abs.jpg", content: picture }], "not a path inside"],
    [
      "an extended path",
      [paxPath("../../pax.jpg"), { path: "fine.jpg", content: picture }],
      "not a path inside",
    ],
    ["a symbolic link", [{ path: "link.jpg", type: "2", link: "/etc/passwd" }], "a SymbolicLink"],
    ["a hard link", [{ path: "hard.jpg", type: "1", link: "/etc/passwd" }], "a Link"],
    ["a device", [{ path: "device.jpg", type: "3" }], "a CharacterDevice"],
    ["a pipe", [{ path: "pipe.jpg", type: "6" }], "a FIFO"],
    [
      "a file that is too large",
      [{ path: "large.jpg", content: Buffer.alloc(100_001) }],
      "larger than 100000",
    ],
  ])("leaves out %s, and continues", async (_, entries, reason) => {
    const { taken, refused } = await unpack(gzipSync(tarFile([good, ...entries, last])));
    expect(taken).toEqual(["womens_clogs/0/good.jpg", "womens_clogs/1/last.jpg"]);
    expect(refused).toEqual([expect.objectContaining({ reason: expect.stringContaining(reason) })]);
  });

  it("says nothing about hidden files, which macOS adds", async () => {
    const { taken, refused } = await unpack(
      tarFile([{ path: "womens_clogs/._good.jpg", content: picture }, good]),
    );
    expect(taken).toEqual(["womens_clogs/0/good.jpg"]);
    expect(refused).toEqual([]);
  });

  it("stops at too many entries", async () => {
    const many = Array.from({ length: 6 }, (_, index): TarEntry => ({ path: `${index}.txt` }));
    await expect(unpack(tarFile(many), { maxEntries: 5 })).rejects.toThrow("more than 5 entries");
    await expect(unpack(tarFile(many), { maxEntries: 6 })).resolves.toBeDefined();
  });

  it("stops at too many bytes: announced, real, and behind the last entry", async () => {
    const announced = tarFile([good, { path: "big.bin", content: picture, announcedBytes: 2e7 }]);
    await expect(unpack(announced)).rejects.toThrow("unpacks to more than 10000000 bytes");
    const bomb = gzipSync(Buffer.concat([tarFile([good]), Buffer.alloc(1.1e7)]));
    expect(bomb.length).toBeLessThan(20_000);
    await expect(unpack(bomb)).rejects.toThrow("unpacks to more than 10000000 bytes");
  });

  it("takes off one layer of gzip only", async () => {
    await expect(unpack(gzipSync(gzipSync(tarFile([good]))))).rejects.toThrow("a gzip file inside another");
  });

  it("notices damage", async () => {
    const tar = tarFile([good, last]);
    const packed = gzipSync(tar);
    const flipped = Buffer.from(packed).fill(0, 60, 70);
    const wrongSum = Buffer.from(tar).fill("x", 1024, 1034);
    for (const [name, archive] of Object.entries({
      cutGzip: packed.subarray(0, packed.length - 20),
      cutTar: tar.subarray(0, 40_000),
      flipped,
      wrongSum,
      page: Buffer.from("<!doctype html><p>Not here</p>".repeat(100)),
    })) {
      await expect(unpack(archive), name).rejects.toMatchObject({
        code: "FETCH_FAILED",
        message: expect.stringContaining("damaged"),
      });
    }
  });

  it("stops when it is told to", async () => {
    await expect(unpack(tarFile([good]), { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
  });
});
