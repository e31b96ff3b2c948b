import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WeightsError } from "../errors.js";
import { Global, type PickleOptions, readPickle, Tuple } from "./pickle.js";

const options: PickleOptions = {
  where: "x.pth",
  findGlobal: (name) => (name === "a.pair" ? new Global(name, ([list]) => list) : undefined),
};
/** A pickle as latin1 text. */
const read = (text: string) => readPickle(Buffer.from(text, "latin1"), 0, options).value;

describe("readPickle", () => {
  it.each([
    [
      "numbers",
      "\x80\x02(K\xffM\x34\x12J\xfe\xff\xff\xff\x8a\x02\x00\x80t.",
      new Tuple([255, 0x1234, -2, -32768]),
    ],
    ["a large number", "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40.", 2n ** 62n],
    [
      "a float, true, false and None",
      "(G\x3f\xf8\x00\x00\x00\x00\x00\x00\x88\x89Nt.",
      new Tuple([1.5, true, false, null]),
    ],
    ["text, of Python 2 too", "X\x02\x00\x00\x00\xc3\xa9U\x01\xe9\x86.", new Tuple(["é", "é"])],
    ["lists and dictionaries", "](K\x01K\x02e}K\x03]s\x86.", new Tuple([[1, 2], new Map([[3, []]])])],
    ["what it kept", "K\x07q\x00h\x00\x86.", new Tuple([7, 7])],
    ["a call of a known function", "ca\npair\n]\x85R.", []],
  ])("reads %s", (_, text, value) => {
    expect(read(text)).toEqual(value);
  });

  it.each([
    [
      "a function it was not given",
      "cos\nsystem\nX\x02\x00\x00\x00ls\x85R.",
      /names os\.system, .*nothing in it was executed/,
    ],
    ["a call of what is not a function", "K\x01)R.", /not a function/],
    ["the opcode of instances", "(ios\nsystem\n.", /opcode 0x69 \("i"\) at byte 1/],
    ["the opcode of new objects", ")\x81.", /opcode 0x81 at byte 1/],
    ["names from the stack", "X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93.", /opcode 0x93/],
    ["extension codes", "\x82\x01.", /opcode 0x82/],
    ["ids of things outside", "K\x01Q.", /refers to data outside/],
    ["an empty stack", "0.", /not there/],
    ["a value that it did not keep", "h\x05.", /recalls value 5/],
    ["attributes of a list", "]}b.", /attributes/],
    ["text longer than the file", "X\xff\xff\xff\xffab.", /cut short/],
    ["no end", "K\x01", /cut short/],
  ])("refuses %s", (_, text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(WeightsError);
  });

  it("bounds its work: a long list that is handed over again and again, a deep stack", () => {
    const list = `](${"N".repeat(40_000)}eq\x00`;
    expect(() => read(`${list}${"ca\npair\nh\x00\x85R0".repeat(30)}.`)).toThrow(
      /more than 1000000 operations/,
    );
    expect(() => read(`${"N".repeat(200_000)}.`)).toThrow(/stacks more than/);
    expect(() => read(`${"N0".repeat(600_000)}.`)).toThrow(/operations/);
  });

  it("reads or refuses any bytes", () => {
    const opcodes = [..."(0NJKMGXU)t]ae}suqhcRbQ.".split(""), "\x80", "\x85", "\x86", "\x87", "\x88", "\x8a"];
    const piece = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...opcodes) },
      fc.constantFrom("ca\npair\n", "cos\nsystem\n", "K\x01", "q\x01", "h\x01", "X\x01\x00\x00\x00a"),
      fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        try {
          read(pieces.join(""));
        } catch (error) {
          expect(error).toBeInstanceOf(WeightsError);
        }
      }),
      { numRuns: 5000, seed: 1 },
    );
  });
});
