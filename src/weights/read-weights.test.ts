import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { float32 } from "../engine/tensor/tensor.js";
import { WeightsError } from "../errors.js";
import { readSafetensors, writeSafetensors } from "../tensor-files/safetensors.js";
import { readWeights } from "./read-weights.js";

/** Written by tests/weights/generate.py. */
const fixture = (name: string) => fileURLToPath(new URL(`../../tests/weights/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "weights-"));
afterAll(() => rmSync(folder, { recursive: true }));
const written = (bytes: Uint8Array): string => {
  const file = join(folder, "crafted.pth");
  writeFileSync(file, bytes);
  return file;
};

describe("readWeights", () => {
  it.each([
    ["zip.pth", "torch zip"],
    ["legacy.pth", "torch legacy"],
  ])("reads %s as torch does: strides, shared storages, half precision, counters", async (name, format) => {
    const expected = readSafetensors(fixture("expected.safetensors")).tensors;
    const read = await readWeights(fixture(name));
    expect(read.format).toBe(format);
    expect([...read.tensors.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [key, { shape, data }] of expected) {
      const actual = read.tensors.get(key);
      expect(actual?.shape, key).toEqual(shape);
      const values = key === "double" ? Float32Array.from(actual?.data as Float64Array) : actual?.data;
      expect(values, key).toEqual(data);
    }
    expect(read.tensors.get("strided")?.shape).toEqual([2, 2, 2]);
    expect([...(read.tensors.get("strided")?.data ?? [])]).toEqual(
      [1, 3, 11, 13, 16, 18, 26, 28].map((n) => n / 4),
    );
    expect(read.tensors.get("bn.num_batches_tracked")?.data).toEqual(BigInt64Array.of(12345678901n));
    expect(read.tensors.get("double")?.data[1]).toBe(1 / 3);
    expect(Object.fromEntries(read.storedTypes)).toMatchObject({
      half: "F16",
      brain: "BF16",
      double: "F64",
      row: "F32",
      flags: "BOOL",
    });
    expect(read.tensors.get("tied.a")?.data.buffer).toBe(read.tensors.get("tied.b")?.data.buffer);
  });

  it("reads what Python 2 and torch 0.1 wrote: parameters, views of storages", async () => {
    const { tensors } = await readWeights(fixture("old.pth"));
    expect(tensors.get("weight")).toEqual({
      dtype: "float32",
      shape: [2, 2],
      data: Float32Array.of(1, 2, 3, 4),
    });
    expect(tensors.get("bias")).toEqual({ dtype: "float32", shape: [2], data: Float32Array.of(5, 6) });
  });

  it("takes the state dict of a checkpoint, without DataParallel's prefix", async () => {
    const { tensors } = await readWeights(fixture("checkpoint.pth"));
    expect([...tensors]).toEqual([
      ["weight", { dtype: "float32", shape: [4], data: Float32Array.of(0, 1, 2, 3) }],
    ]);
  });

  it("reads safetensors, whatever the file is called", async () => {
    const file = join(folder, "weights.bin");
    copyFileSync(fixture("expected.safetensors"), file);
    const { format, tensors, storedTypes } = await readWeights(file);
    expect(format).toBe("safetensors");
    expect(tensors.get("scalar")?.data[0]).toBe(2.5);
    expect(storedTypes.get("flags")).toBe("BOOL");
  });

  it("knows safetensors by more than a length that looks like a pickle's first bytes", async () => {
    const file = join(folder, "header.safetensors");
    const firstBytes = new Set<number | undefined>();
    for (let length = 0; length < 256; length += 8) {
      writeSafetensors(file, new Map([["x", float32([1], [length])]]), { note: "x".repeat(length) });
      firstBytes.add(readFileSync(file)[0]);
      expect((await readWeights(file)).tensors.get("x")?.data[0]).toBe(length);
    }
    expect(firstBytes).toContain(0x80);
  });

  it.each([
    ["evil_system.pth", /names posix\.system/],
    ["evil_system_legacy.pth", /names posix\.system/],
    ["evil_eval.pth", /names __builtin__\.eval/],
    ["evil_eval_legacy.pth", /names __builtin__\.eval/],
    ["evil_getattr.pth", /names __builtin__\.getattr/],
    ["evil_getattr_legacy.pth", /names __builtin__\.getattr/],
    ["refused_module.pth", /names torch\.nn\.modules\.linear\.Linear/],
    ["refused_complex.pth", /names torch\.ComplexFloatStorage/],
    ["refused_protocol4.pth", /protocol 4, torch\.save writes 2/],
    ["refused_number.pth", /must hold tensors only; got epoch/],
    ["refused_expanded.pth", /\[1000000\] does not lie in its storage.*strides \[0\], 1 elements/],
    ["refused_compressed.pth", /data\.pkl is compressed/],
  ])("refuses %s, naming what it is", async (name, message) => {
    await expect(readWeights(fixture(name))).rejects.toThrow(message);
    await expect(readWeights(fixture(name))).rejects.toThrow(WeightsError);
    expect(existsSync("sdfn-was-here")).toBe(false);
  });

  it("finds damaged values by the zip's checksums, and other lengths in the legacy format", async () => {
    const zip = readFileSync(fixture("zip.pth"));
    const expected = readSafetensors(fixture("expected.safetensors")).tensors.get("conv.weight")?.data;
    const values = Buffer.from(
      expected?.buffer ?? new ArrayBuffer(0),
      expected?.byteOffset,
      expected?.byteLength,
    );
    const at = zip.indexOf(values);
    expect(at).toBeGreaterThan(0);
    zip[at + 5] = 0x55;
    await expect(readWeights(written(zip))).rejects.toThrow(/data\/0 is damaged, its checksum differs/);
    const legacy = readFileSync(fixture("legacy.pth"));
    const length = legacy.indexOf(values) - 8;
    expect(legacy[length]).toBe(12);
    legacy[length] = 13;
    await expect(readWeights(written(legacy))).rejects.toThrow(/must have 12 elements; got 13/);
  });

  it("refuses a zip whose directory lies where no file reaches", async () => {
    const locator = Buffer.alloc(20);
    locator.writeUInt32LE(0x07064b50, 0);
    locator.writeBigUInt64LE(2n ** 54n, 8);
    const end = Buffer.alloc(22, 0xff);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt32LE(0, 4);
    end.writeUInt16LE(0, 20);
    const zip = Buffer.concat([readFileSync(fixture("zip.pth")).subarray(0, -22), locator, end]);
    await expect(readWeights(written(zip))).rejects.toThrow(/cut short; got/);
  });

  it("refuses folders, empty files, other files and tars, and says what to give", async () => {
    await expect(readWeights(folder)).rejects.toThrow(/is not a file/);
    await expect(readWeights(join(folder, "none.pth"))).rejects.toThrow(/cannot be opened/);
    await expect(readWeights(written(new Uint8Array()))).rejects.toThrow(
      /must be a safetensors file or one of/,
    );
    await expect(readWeights(written(Buffer.from("hello, world, again")))).rejects.toThrow(WeightsError);
    await expect(readWeights(written(Buffer.from(`${"x".repeat(257)}ustar`)))).rejects.toThrow(/a tar/);
  });

  it("refuses every file that is cut short", async () => {
    for (const name of ["zip.pth", "legacy.pth", "expected.safetensors"]) {
      const whole = readFileSync(fixture(name));
      for (let length = 0; length < whole.length; length += 37)
        await expect(readWeights(written(whole.subarray(0, length))), `${name} ${length}`).rejects.toThrow(
          WeightsError,
        );
    }
  });

  it("reads or refuses a damaged file, and never anything else", { timeout: 120_000 }, async () => {
    const names = readdirSync(fixture("")).filter((name) => /\.(pth|safetensors)$/.test(name));
    const edit = fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        async (name, edits) => {
          const bytes = readFileSync(fixture(name));
          for (const { at, byte } of edits) bytes[Math.floor(at * bytes.length)] = byte;
          try {
            const { tensors } = await readWeights(written(bytes));
            const total = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
            expect(total).toBeLessThan(16 * bytes.length);
          } catch (error) {
            expect(error).toBeInstanceOf(WeightsError);
          }
        },
      ),
      { numRuns: 1500, seed: 1 },
    );
    expect(existsSync("sdfn-was-here")).toBe(false);
  });
});
