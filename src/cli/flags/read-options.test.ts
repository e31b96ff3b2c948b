import { describe, expect, it } from "vitest";
import { z } from "zod";
import { UsageError } from "../../errors.js";
import { option } from "./option.js";
import { choice, list, onOff, seed, text, wholeNumber } from "./option-types.js";
import { readOptions } from "./read-options.js";

const table = [
  option("--run-dir <dir>", "run folder", text, { required: true }),
  option("-k <n>", "answers", wholeNumber({ min: 1, max: 50 }), { default: 10 }),
  "More:",
  option("--split <name>", "part", choice(["train", "val"]), { default: "val" }),
  option("--seed <n>", "seed", seed),
  option("--set <field=value...>", "fields", list(z.string().regex(/=/, "must be FIELD=VALUE"))),
  option("--json", "print JSON", onOff),
];
const read = (values: Readonly<Record<string, unknown>>) => readOptions({ command: "sdfn x", values }, table);

describe("readOptions", () => {
  it("turns text into typed values and fills in defaults", () => {
    const values = read({ runDir: "a", k: "7", json: true });
    const typed: {
      readonly runDir: string;
      readonly k: number;
      readonly split: "train" | "val";
      readonly seed: number | undefined;
      readonly set: readonly string[];
      readonly json: boolean;
    } = values;
    expect(typed).toEqual({ runDir: "a", k: 7, split: "val", set: [], json: true });
  });

  it("names a single problem in one line", () => {
    expect(() => read({})).toThrow(new UsageError("sdfn x: --run-dir is missing; see sdfn x --help"));
  });

  it("lists several problems, each with what was given", () => {
    expect(() => read({ runDir: "", k: "51", split: "all", seed: "1e3", set: ["a=1", "b"] })).toThrow(
      "sdfn x: the options cannot be used:\n" +
        "  - --run-dir must not be empty; got \n" +
        "  - -k must be a whole number from 1 to 50; got 51\n" +
        "  - --split must be one of train, val; got all\n" +
        "  - --seed must be a whole number from 0 to 2147483647; got 1e3\n" +
        "  - --set must be FIELD=VALUE; got a=1 b\n" +
        "see sdfn x --help",
    );
  });

  it.each(["-1", "1.5", "ten", " 3", "0x10", "Infinity", ""])("takes no %j for a whole number", (given) => {
    expect(() => read({ runDir: "a", seed: given })).toThrow(UsageError);
  });

  it("checks defaults as it checks what is typed", () => {
    const wrong = [option("--batch <n>", "size", wholeNumber({ min: 1, max: 4 }), { default: 5 })];
    expect(() => readOptions({ command: "sdfn x", values: {} }, wrong)).toThrow(UsageError);
  });

  it("reports options that need or exclude another, together with the other problems", () => {
    const ruled = [
      option("--serve", "serve", onOff),
      option("--port <n>", "port", wholeNumber({ min: 0, max: 9 }), { default: 8, needs: "--serve" }),
      option("--run <dir>", "run", text),
      option("--bundle-dir <dir>", "bundle", text, { excludes: "--run" }),
    ];
    const readRuled = (values: Readonly<Record<string, unknown>>) =>
      readOptions({ command: "sdfn x", values }, ruled);
    expect(readRuled({ serve: true, port: "3", run: "a" })).toMatchObject({ port: 3, run: "a" });
    expect(readRuled({})).toMatchObject({ port: 8, serve: false });
    expect(() => readRuled({ port: "10", run: "a", bundleDir: "b" })).toThrow(
      "sdfn x: the options cannot be used:\n" +
        "  - --port must be a whole number from 0 to 9; got 10\n" +
        "  - --port goes with --serve\n" +
        "  - --bundle-dir and --run cannot be given together\nsee sdfn x --help",
    );
  });

  it("refuses what the command has for other uses only", () => {
    const values = { runDir: "a", trecDepth: "3", exact: true, html: undefined };
    expect(() => readOptions({ command: "sdfn x", values }, table, "go with --index")).toThrow(
      "sdfn x: --trec-depth, --exact go with --index; see sdfn x --help",
    );
  });
});

describe("option", () => {
  it("writes choices, defaults and requirements into the help", () => {
    const [runDir, k, , split, withoutDefault] = table;
    expect([runDir, k, split, withoutDefault]).toMatchObject([
      { name: "runDir", help: "run folder (required)" },
      { name: "k", help: "answers (default 10)" },
      { name: "split", help: "part: train or val (default val)" },
      { name: "seed", help: "seed" },
    ]);
    const several = option("--filter <x>", "filters", list(text), { repeats: true, otherwise: "all" });
    expect(several.help).toBe("filters (may be given several times; default all)");
  });
});
