import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Random } from "../engine/tensor/random.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { writeSafetensors } from "../tensor-files/safetensors.js";
import { runFiles } from "./run-files.js";
import { readParameters, writeParameters } from "./run-parameters.js";

const tensors = new Map<string, Tensor>([
  ["a.weight", { dtype: "float32", shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) }],
  ["b", { dtype: "float32", shape: [2], data: new Float32Array([0.5, -0.5]) }],
]);
let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), "parameters-"));
  writeFileSync(join(run, runFiles.vocabulary), '{"words":["is","red"]}\n');
});
afterEach(() => rmSync(run, { recursive: true }));

it("are read as they were written, and never silently as anything else", () => {
  writeParameters(run, tensors, { model: "sdfn", step: 3 });
  expect(readParameters(run)).toEqual(tensors);
  const random = new Random(3);
  for (const name of [runFiles.parameters, runFiles.vocabulary]) {
    const file = join(run, name);
    const whole = readFileSync(file);
    let refused = 0;
    for (let i = 0; i < 200; i += 1) {
      const bytes = Buffer.from(whole);
      const at = random.integer(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8));
      writeFileSync(file, bytes);
      try {
        expect(readParameters(run), `byte ${at}`).toEqual(tensors);
      } catch (error) {
        expect(String(error), `byte ${at}`).toMatch(/^(RunError|WeightsError): /);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(50);
    writeFileSync(file, whole);
  }
});

it("of older versions, which kept no checksum, are read", () => {
  writeSafetensors(join(run, runFiles.parameters), tensors, { model: "sdfn", step: "3" });
  expect(readParameters(run)).toEqual(tensors);
});
