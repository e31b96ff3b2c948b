import { mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { float32, int64, type Tensor } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";

const folder = () => mkdtempSync(join(tmpdir(), "safetensors-"));

/** A file with the given header and data bytes. */
function craft(header: unknown, data: Uint8Array): string {
  const file = join(folder(), "crafted.safetensors");
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, data]));
  return file;
}

describe("safetensors", () => {
  it("reads back what it wrote, and leaves no other file", () => {
    const directory = folder();
    const file = join(directory, "a.safetensors");
    const tensors = new Map<string, Tensor>([
      ["layer.weight", float32([2, 3], [1, 2, 3, 4, 5, 6.5])],
      ["count", int64([], [7])],
      ["empty", float32([0, 3], [])],
    ]);
    writeSafetensors(file, tensors, { note: "ünï" });
    const read = readSafetensors(file);
    expect(read.metadata).toEqual({ note: "ünï" });
    expect([...read.tensors]).toEqual([...tensors]);
    expect(readdirSync(directory)).toEqual(["a.safetensors"]);
    const first = readFileSync(file);
    writeSafetensors(file, tensors, { note: "ünï" });
    expect(readFileSync(file).equals(first)).toBe(true);
  });

  it("converts half precision exactly", () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7c00, 0x8000);
    const brains = Uint16Array.of(0x3f80, 0xc040);
    const data = Buffer.concat([Buffer.from(halves.buffer), Buffer.from(brains.buffer)]);
    const { tensors } = readSafetensors(
      craft(
        {
          h: { dtype: "F16", shape: [6], data_offsets: [0, 12] },
          b: { dtype: "BF16", shape: [2], data_offsets: [12, 16] },
        },
        data,
      ),
    );
    expect([...(tensors.get("h")?.data ?? [])]).toEqual([
      1,
      -2,
      0.333251953125,
      2 ** -24,
      Number.POSITIVE_INFINITY,
      -0,
    ]);
    expect([...(tensors.get("b")?.data ?? [])]).toEqual([1, -3]);
  });

  it.each([
    [
      "a shape that does not fill its bytes",
      { x: { dtype: "F32", shape: [3], data_offsets: [0, 8] } },
      /tensor "x".*needs 12 bytes/,
    ],
    ["offsets past the end", { x: { dtype: "F32", shape: [2], data_offsets: [8, 16] } }, /cut short/],
    ["an unknown type", { x: { dtype: "F8", shape: [2], data_offsets: [0, 2] } }, /type must be one of/],
    ["a negative size", { x: { dtype: "F32", shape: [-2], data_offsets: [0, 8] } }, /header is damaged/],
    ["a header that is not JSON", "{", /header is damaged/],
  ])("refuses %s", (_, header, message) => {
    expect(() => readSafetensors(craft(header, new Uint8Array(8)))).toThrow(message);
  });

  it("refuses a header longer than the file, an empty file and a missing one", () => {
    const file = join(folder(), "x.safetensors");
    writeFileSync(file, Buffer.from([255, 255, 255, 255, 255, 255, 255, 0, 1]));
    expect(() => readSafetensors(file)).toThrow(/not a safetensors file/);
    truncateSync(file, 0);
    expect(() => readSafetensors(file)).toThrow(WeightsError);
    expect(() => readSafetensors(join(folder(), "none.safetensors"))).toThrow(/cannot be opened/);
  });
});
