import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EnvironmentError, UsageError } from "../errors.js";
import {
  type Content,
  type WholeFileOptions,
  writeWhole,
  writeWholeFolder,
  writeWholeFolderSync,
  writeWholeSync,
} from "./whole.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "whole-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Both forms do the same. */
const fileForms = [
  ["writeWhole", writeWhole],
  [
    "writeWholeSync",
    async (file: string, content: Content, options?: WholeFileOptions) =>
      writeWholeSync(file, content, options),
  ],
] as const;
const folderForms = [
  ["writeWholeFolder", writeWholeFolder],
  [
    "writeWholeFolderSync",
    async (...[folder, fill, options]: Parameters<typeof writeWholeFolder>) =>
      writeWholeFolderSync(folder, (partial) => void fill(partial), options),
  ],
] as const;

describe.each(fileForms)("%s", (_, write) => {
  it("joins the parts, makes the folder, and replaces what was there", async () => {
    const file = join(root, "new", "a");
    await write(file, "old and longer");
    await write(file, ["né", Uint8Array.of(10)]);
    expect(readFileSync(file, "utf8")).toBe("né\n");
    await write(file, new Uint8Array(0), { isDurable: false });
    expect(statSync(file).size).toBe(0);
    expect(readdirSync(join(root, "new"))).toEqual(["a"]);
  });

  it("leaves the old file and nothing else when the content fails on the way", async () => {
    const file = join(root, "a");
    await write(file, "old");
    function* failing() {
      yield "new";
      throw new UsageError("no more");
    }
    await expect(write(file, failing())).rejects.toThrow(UsageError);
    await expect(write(file, failing(), { isShared: true })).rejects.toThrow(UsageError);
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(root)).toEqual(["a"]);
  });

  it("names the file, the reason and the next step when the system refuses", async () => {
    mkdirSync(join(root, "folder"));
    writeFileSync(join(root, "file"), "");
    for (const place of ["folder", join("file", "below")]) {
      const written = write(join(root, place), "x");
      await expect(written).rejects.toThrow(EnvironmentError);
      await expect(written).rejects.toThrow(
        /(folder|below): cannot be written; got E\w+: .*; check the folder and its permissions$/,
      );
    }
    const refused = ({ code }: { readonly code: string }) => new UsageError(`got ${code}; choose another`);
    await expect(write(join(root, "folder"), "x", { refused })).rejects.toThrow(
      /^got EISDIR; choose another$/,
    );
    expect(readdirSync(root).sort()).toEqual(["file", "folder"]);
  });

  it("replaces the partial file of a write that was stopped, its mode too, and follows no link", async () => {
    const file = join(root, "keys");
    writeFileSync(`${file}.partial`, "half of a much longer file", { mode: 0o644 });
    await write(file, "whole", { mode: 0o600 });
    expect([readFileSync(file, "utf8"), statSync(file).mode & 0o777]).toEqual(["whole", 0o600]);
    symlinkSync(join(root, "elsewhere"), `${file}.partial`);
    await write(file, "again");
    expect(readdirSync(root)).toEqual(["keys"]);
  });
});

describe("writeWhole", () => {
  it("lets several writes of a shared file be under way", async () => {
    const file = join(root, "a");
    const contents = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(contents.map((content) => writeWhole(file, content, { isShared: true })));
    expect(contents).toContain(readFileSync(file, "utf8"));
    expect(readdirSync(root)).toEqual(["a"]);
  });
});

describe.each(folderForms)("%s", (_, write) => {
  const twoFiles = async (partial: string) => {
    mkdirSync(join(partial, "below"));
    writeFileSync(join(partial, "a"), "a");
    writeFileSync(join(partial, "below", "b"), "b");
  };

  it("gives the folder its name when all is written, also where an empty one is", async () => {
    for (const folder of [join(root, "new", "bundle"), join(root, "empty")]) {
      if (folder.endsWith("empty")) mkdirSync(folder);
      await write(folder, async (partial) => {
        expect(existsSync(join(folder, "a"))).toBe(false);
        await twoFiles(partial);
      });
      expect(readFileSync(join(folder, "below", "b"), "utf8")).toBe("b");
    }
    expect(readdirSync(root).sort()).toEqual(["empty", "new"]);
  });

  it("touches no folder that holds something, and leaves nothing beside it", async () => {
    const folder = join(root, "taken");
    mkdirSync(folder);
    writeFileSync(join(folder, "mine"), "mine");
    await expect(write(folder, twoFiles)).rejects.toThrow(/taken: cannot be written; got ENOTEMPTY/);
    writeFileSync(join(root, "file"), "");
    await expect(write(join(root, "file"), twoFiles)).rejects.toThrow(EnvironmentError);
    await expect(write(join(root, "file", "below"), twoFiles)).rejects.toThrow(EnvironmentError);
    expect([readdirSync(root).sort(), readdirSync(folder)]).toEqual([["file", "taken"], ["mine"]]);
  });

  it("removes what processes that have ended left of it, and no other's", async () => {
    const folder = join(root, "a");
    const left = ["a.999999999-0123abcd.partial", `a.${process.pid}-0123abcd.partial`];
    const others = [
      `a.${process.ppid}-0123abcd.partial`,
      "b.999999999-0123abcd.partial",
      "a.999999999.partial",
    ];
    for (const name of [...left, ...others]) mkdirSync(join(root, name, "below"), { recursive: true });
    await write(folder, twoFiles);
    expect(readdirSync(root).sort()).toEqual(["a", ...others].sort());
  });
});

describe("writeWholeFolder", () => {
  const fill = (text: string) => async (partial: string) => writeFileSync(join(partial, text), text);

  it("leaves nothing when it fails half-way, and the old folder in its place", async () => {
    const folder = join(root, "a");
    await writeWholeFolder(folder, fill("old"));
    const failing = async (partial: string) => {
      await fill("new")(partial);
      throw new UsageError("no more");
    };
    for (const isReplaced of [false, true]) {
      await expect(writeWholeFolder(folder, failing, { isReplaced })).rejects.toThrow(UsageError);
    }
    expect([readdirSync(root), readdirSync(folder)]).toEqual([["a"], ["old"]]);
  });

  it("replaces a folder that holds something only when told to", async () => {
    const folder = join(root, "a");
    await writeWholeFolder(folder, fill("old"), { isReplaced: true });
    await expect(writeWholeFolder(folder, fill("new"))).rejects.toThrow(/ENOTEMPTY/);
    await writeWholeFolder(folder, fill("new"), { isReplaced: true, isDurable: false });
    expect([readdirSync(root), readdirSync(folder)]).toEqual([["a"], ["new"]]);
  });

  it("keeps an old folder that a crash left aside until a new one is whole", async () => {
    const [folder, aside] = [join(root, "a"), join(root, "a.999999999-0123abcd.old")];
    mkdirSync(aside);
    await fill("old")(aside);
    const failing = async () => {
      throw new UsageError("no more");
    };
    await expect(writeWholeFolder(folder, failing, { isReplaced: true })).rejects.toThrow(UsageError);
    expect(readdirSync(aside)).toEqual(["old"]);
    await writeWholeFolder(folder, fill("new"), { isReplaced: true });
    expect([readdirSync(root), readdirSync(folder)]).toEqual([["a"], ["new"]]);
  });

  it("leaves another write of the same folder alone that is under way in this process", async () => {
    const folder = join(root, "a");
    await writeWholeFolder(
      folder,
      async (partial) => {
        await writeWholeFolder(folder, fill("first"));
        await fill("second")(partial);
      },
      { isReplaced: true },
    );
    expect([readdirSync(root), readdirSync(folder)]).toEqual([["a"], ["second"]]);
  });
});
