import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { RunError } from "../errors.js";
import { codeOf } from "./errno.js";
import { checkJson, type JsonFault, readJson, readJsonSync } from "./read-json.js";

const schema = z.strictObject({ words: z.array(z.string()) });
let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "read-json-"));
  mkdirSync(join(root, "folder"));
  writeFileSync(join(root, "good"), '\uFEFF{"words": ["red"]}');
  writeFileSync(join(root, "cut"), '{"words": ["red"');
  writeFileSync(join(root, "wrong"), '{"words": ["red", 5]}');
});
afterAll(() => rmSync(root, { recursive: true }));

const keep = (fault: JsonFault) => fault;

describe("readJson", () => {
  it.each([
    ["none", "missing", /ENOENT/],
    [join("good", "below"), "missing", /ENOTDIR/],
    ["folder", "unreadable", /EISDIR/],
    ["cut", "not JSON", /SyntaxError: .*JSON/],
    ["wrong", "not of the schema", /expected string, received number\s+→ at words\[1\]/],
  ] as const)("says of %s that it is %s", async (name, kind, got) => {
    const fault = await readJson(join(root, name), schema, keep);
    expect(fault).toMatchObject({ kind, got: expect.stringMatching(got), cause: expect.any(Error) });
    expect(readJsonSync(join(root, name), schema, keep)).toEqual(fault);
  });

  it("gives the checked value, or what the caller puts in its place", async () => {
    const file = join(root, "good");
    expect(await readJson(file, schema, keep)).toEqual({ words: ["red"] });
    expect(readJsonSync(file, schema, keep)).toEqual({ words: ["red"] });
    expect(readJsonSync(join(root, "none"), schema, () => undefined)).toBeUndefined();
    expect(checkJson({ words: [] }, schema, keep)).toEqual({ words: [] });
  });

  it("lets the caller choose class and next step", async () => {
    const refuse = ({ cause }: JsonFault): never => {
      throw new RunError(`no words; got ${codeOf(cause)}; train anew`, { cause });
    };
    const read = readJson(join(root, "none"), schema, refuse);
    await expect(read).rejects.toThrow(RunError);
    await expect(read).rejects.toThrow(/^no words; got ENOENT; train anew$/);
  });
});
