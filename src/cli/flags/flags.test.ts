import { describe, expect, it } from "vitest";
import { UsageError } from "../../errors.js";
import { choiceFlag, readFlags, seedFlag, switchFlag, textFlag, wholeNumberFlag } from "./flags.js";

const fields = {
  runDir: textFlag,
  k: wholeNumberFlag({ min: 1, max: 50 }).default(10),
  split: choiceFlag(["train", "val"]).default("val"),
  seed: seedFlag.optional(),
  json: switchFlag,
};

describe("readFlags", () => {
  it("turns text into values and fills in defaults", () => {
    expect(readFlags("x", fields, { runDir: "a", k: "7", json: true })).toEqual({
      runDir: "a",
      k: 7,
      split: "val",
      json: true,
    });
  });

  it("names a single problem in one line", () => {
    expect(() => readFlags("x", fields, {})).toThrow(
      new UsageError("sdfn x: --run-dir is missing; see sdfn x --help"),
    );
  });

  it("lists several problems, each with what was given", () => {
    expect(() => readFlags("x", fields, { runDir: "", k: "51", split: "all", seed: "1e3" })).toThrow(
      "sdfn x: the options cannot be used:\n" +
        "  - --run-dir must not be empty; got \n" +
        "  - -k must be a whole number from 1 to 50; got 51\n" +
        "  - --split must be one of train, val; got all\n" +
        "  - --seed must be a whole number from 0 to 2147483647; got 1e3\n" +
        "see sdfn x --help",
    );
  });

  it.each(["-1", "1.5", "ten", " 3", "0x10", "Infinity", ""])("takes no %j for a whole number", (text) => {
    expect(() => readFlags("x", { seed: seedFlag }, { seed: text })).toThrow(UsageError);
  });
});
