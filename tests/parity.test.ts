import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, it } from "vitest";
import type { Tensor } from "../src/engine/tensor/tensor.js";
import { float32 } from "../src/engine/tensor/tensor.js";
import { checkFolder, type FileResult } from "../src/parity/check-folder.js";
import { runParity } from "../src/parity/run-parity.js";
import { readSafetensors, writeSafetensors } from "../src/tensor-files/safetensors.js";
import { recordingContext } from "./cli/recording-context.js";

const own = fileURLToPath(new URL("golden", import.meta.url));
const shared = fileURLToPath(new URL("../../shared/golden", import.meta.url));
const methods = join(shared, "methods");
if (!existsSync(methods)) console.warn(`SKIPPED: ${methods} is not there; only tests/golden is compared`);

/** Five training steps of the whole model take their time to compile. */
const timeoutMs = 600_000;

async function check(folder: string): Promise<FileResult[]> {
  const results: FileResult[] = [];
  for await (const result of checkFolder(folder)) results.push(result);
  return results;
}

describe("our modules give PyTorch's numbers", () => {
  it("in every file of tests/golden", { timeout: timeoutMs }, async () => {
    const results = await check(own);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results).toHaveLength(32);
  });

  it.skipIf(!existsSync(shared))("in every file of ../shared/golden", { timeout: timeoutMs }, async () => {
    const results = await check(shared);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results).toHaveLength(22);
  });
});

describe.skipIf(!existsSync(methods))("whole methods give PyTorch's numbers", () => {
  it("in every file of ../shared/golden/methods", { timeout: timeoutMs }, async () => {
    const results = await check(methods);
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(results).toHaveLength(29);
  });
});

describe("parity", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sdfn-parity-"));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  /** Puts an altered copy of a golden file into the folder, and checks it. */
  async function checkAltered(
    name: string,
    alter: (tensors: Map<string, Tensor>, metadata: Record<string, string>) => void,
  ): Promise<FileResult | undefined> {
    const file = readSafetensors(join(own, `${name}.safetensors`));
    const tensors = new Map(file.tensors);
    const metadata = { ...file.metadata };
    alter(tensors, metadata);
    writeSafetensors(join(folder, `${name}.safetensors`), tensors, metadata);
    const [result] = await check(folder);
    return result;
  }

  /** A copy of a tensor in which one element has changed by `share` of the largest. */
  function nudge(tensors: Map<string, Tensor>, key: string, share: number): void {
    const { shape, data } = tensors.get(key) as Tensor<"float32">;
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const values = data.slice();
    values[values.length - 1] = (values.at(-1) ?? 0) + share * largest;
    tensors.set(key, float32(shape, values));
  }

  it("passes a file that was only read and written again", async () => {
    const result = await checkAltered("gtm", () => undefined);
    expect(result).toMatchObject({ name: "gtm", passed: true, problems: [] });
    expect(result?.errors.outputs?.count).toBe(2);
    expect(result?.errors.gradients?.count).toBe(6);
  });

  it.each([
    ["jrm", "output/y", 3e-5, /^outputs: output\/y is off by 3\.\de-5/],
    ["jrm", "output/loss", 1e-3, /^outputs: output\/loss is off/],
    ["jrm", "grad/ffn1.weight", 3e-4, /^gradients: grad\/ffn1\.weight is off by [23]\.\de-4/],
    ["fusion_shared", "output/aux.logits.0.shared", 3e-5, /^outputs: output\/aux\.logits\.0\.shared is off/],
    ["loss_spd", "output/aux.spd_if_mean_of_layer_means", 3e-5, /^outputs: .*mean_of_layer_means is off/],
    ["tirg", "output/train/q", 3e-5, /^outputs: output\/train\/q is off/],
    ["datir", "output/train/fusion.gateNorm.running_mean", 3e-5, /^outputs: .*running_mean is off/],
    ["mcr", "output/training/loss", 3e-5, /^outputs: output\/training\/loss is off/],
    ["mcr", "grad/training/relative1.weight", 3e-4, /^gradients: grad\/training\/relative1\.weight is off/],
    ["artemis", "output/gallery_scores", 3e-5, /^outputs: output\/gallery_scores is off/],
    ["resnet18", "output/train/layer4.1.bn2.running_var", 3e-5, /^outputs: .*running_var is off/],
    ["resnet18", "grad/train/layer2.0.conv1.weight", 3e-4, /^gradients: .*layer2\.0\.conv1\.weight is off/],
    ["resnet18", "grad_norm/eval/conv1.weight", 3e-4, /^gradients: grad_norm\/eval\/conv1\.weight is off/],
  ])("fails %s when %s is changed by %d of its largest element", async (name, key, share, message) => {
    const result = await checkAltered(name, (tensors) => nudge(tensors, key, share));
    expect(result?.passed).toBe(false);
    expect(result?.problems).toEqual([expect.stringMatching(message)]);
  });

  it.each(["input/x", "param/attention.in_proj_weight"])("fails when %s is changed", async (key) => {
    const result = await checkAltered("cam", (tensors) => nudge(tensors, key, 0.1));
    expect(result?.problems).toContainEqual(expect.stringMatching(/^outputs: /));
    expect(result?.problems).toContainEqual(expect.stringMatching(/^gradients: /));
  });

  it("fails the training steps in each of their parts", { timeout: timeoutMs }, async () => {
    const result = await checkAltered("adam", (tensors) => {
      nudge(tensors, "output/teacher_logits.4.2.text", 3e-5);
      nudge(tensors, "grad/step0/image.backbone.conv1.weight", 3e-4);
      nudge(tensors, "output/separate/losses", 0.01);
      nudge(tensors, "output/final/image.backbone.layer4.1.bn2.running_var", 0.01);
    });
    expect(result?.batchOrders).toBe(1); // gradients are no matter of amplified rounding
    expect(result?.problems).toEqual([
      expect.stringMatching(/^outputs: output\/teacher_logits\.4\.2\.text is off/),
      expect.stringMatching(/^gradients: grad\/step0\/image\.backbone\.conv1\.weight is off/),
      expect.stringMatching(/^losses: output\/separate\/losses is off/),
      expect.stringMatching(
        /^final parameters: output\/final\/image\.backbone\.layer4\.1\.bn2\.running_var is off/,
      ),
    ]);
  });

  it("fails when lengths and padding mask disagree", async () => {
    const result = await checkAltered("mha", (tensors) => {
      const { shape, data } = tensors.get("input/lengths") as Tensor<"int64">;
      const lengths = data.map((length) => (length > 1n ? length - 1n : 2n));
      tensors.set("input/lengths", { dtype: "int64", shape, data: lengths });
    });
    expect(result?.problems).toEqual([expect.stringMatching(/^outputs: input\/pad_mask is off by 1\.0e\+0/)]);
  });

  it("fails when an expected value is not a number, or has another shape", async () => {
    const broken = await checkAltered("layernorm", (tensors) => nudge(tensors, "grad/x", Number.NaN));
    expect(broken?.problems).toEqual([expect.stringMatching(/grad\/x is off by Infinity/)]);
    const flat = await checkAltered("layernorm", (tensors) => {
      const { data } = tensors.get("output/y") as Tensor<"float32">;
      tensors.set("output/y", float32([data.length], data));
    });
    expect(flat?.problems).toContainEqual("output/y has another shape: expected [180]; got [3, 5, 12]");
  });

  it.each(["input/extra", "output/extra", "grad/extra", "grad_norm/extra", "extra"])(
    "fails and names a tensor that nothing was compared with: %s",
    async (key) => {
      const result = await checkAltered("image_router", (tensors) => tensors.set(key, float32([1], [1])));
      expect(result?.problems).toEqual([`not compared: ${key}`]);
    },
  );

  it("wants a gradient of zero for an input that the module does not look at", async () => {
    const withIdleInput = (gradient: number) =>
      checkAltered("gtm", (tensors) => {
        tensors.set("input/w", float32([2], [1, 2]));
        tensors.set("grad/w", float32([2], [0, gradient]));
      });
    expect(await withIdleInput(0)).toMatchObject({ passed: true, problems: [] });
    expect((await withIdleInput(1))?.problems).toEqual([
      expect.stringMatching(/^gradients: grad\/w is off by 1/),
    ]);
  });

  it("fails when parameters are missing or too many, and names them all", async () => {
    const result = await checkAltered("gtm", (tensors) => {
      tensors.delete("param/beta.bias");
      tensors.set("param/delta.bias", float32([1], [1]));
    });
    expect(result?.problems.join()).toMatch(
      /STATE_DICT_MISMATCH.*missing beta\.bias.*unexpected delta\.bias/s,
    );
  });

  it("fails when the metadata lacks what is needed", async () => {
    const result = await checkAltered("mha", (_, metadata) => {
      delete metadata.heads;
    });
    expect(result?.problems).toEqual([expect.stringMatching(/^WEIGHTS_INVALID: mha: .*"heads"/)]);
  });

  it("fails a file of unknown kind and a damaged one, and still checks the others", async () => {
    for (const name of ["gtm", "mha"])
      cpSync(join(own, `${name}.safetensors`), join(folder, `${name}.safetensors`));
    cpSync(join(own, "gtm.safetensors"), join(folder, "novel.safetensors"));
    writeFileSync(join(folder, "cam.safetensors"), "not a golden file");
    const results = await check(folder);
    expect(results.map(({ name, passed }) => [name, passed])).toEqual([
      ["cam", false],
      ["gtm", true],
      ["mha", true],
      ["novel", false],
    ]);
    expect(results[0]?.problems.join()).toMatch(/^WEIGHTS_INVALID/);
    expect(results[3]?.problems.join()).toMatch(/unknown kind of file; known names begin with .*adam/);
  });

  it("prints a line for each file and exits with 0, or 1 with what is wrong", async () => {
    for (const name of ["gtm", "layernorm"])
      cpSync(join(own, `${name}.safetensors`), join(folder, `${name}.safetensors`));
    const good = recordingContext();
    expect(await runParity([folder], good)).toBe(0);
    expect(good.output()).toMatch(
      /^ok {4}gtm +outputs \d\.\de-\d {2}gradients \d\.\de-\d\nok {4}layernorm .*\n2 of 2 files agree/,
    );
    await checkAltered("gtm", (tensors) => nudge(tensors, "output/y", 0.5));
    const bad = recordingContext();
    expect(await runParity([folder], bad)).toBe(1);
    expect(bad.output()).toMatch(
      /^FAIL {2}gtm .*\n +outputs: output\/y is off by 5\.0e-1; at most 1e-5 is allowed\n/,
    );
    expect(bad.output()).toContain("1 of 2 files agree");
  });

  it("prints one JSON document with --json", async () => {
    cpSync(join(own, "layernorm.safetensors"), join(folder, "layernorm.safetensors"));
    const context = recordingContext();
    expect(await runParity([folder, "--json"], context)).toBe(0);
    const document = JSON.parse(context.output());
    expect(document).toMatchObject({
      passed: true,
      folder,
      tolerances: { outputs: { limit: 1e-5 }, gradients: { limit: 1e-4 } },
      files: [
        { name: "layernorm", passed: true, errors: { outputs: { count: 2 }, gradients: { count: 3 } } },
      ],
    });
  });

  it("refuses a folder without golden files and a missing folder", async () => {
    const empty = recordingContext();
    expect(await runParity([folder, "--json"], empty)).toBe(1);
    expect(empty.errors()).toMatch(/^WEIGHTS_INVALID: parity: no golden file .*tests\/golden\n$/);
    expect(JSON.parse(empty.output())).toMatchObject({ error: { code: "WEIGHTS_INVALID" } });
    const missing = recordingContext();
    expect(await runParity([join(folder, "nowhere")], missing)).toBe(1);
    expect(missing.errors()).toMatch(/^WEIGHTS_INVALID: parity: the folder cannot be read; got .*nowhere/);
  });

  it("refuses a wrong command line", async () => {
    const nothing = recordingContext();
    expect(await runParity([], nothing)).toBe(2);
    expect(nothing.errors()).toMatch(
      /^USAGE: npm run parity --: <folder> is missing; see npm run parity -- --help/,
    );
  });

  it("explains itself", async () => {
    const context = recordingContext();
    expect(await runParity(["--help"], context)).toBe(0);
    expect(context.output()).toContain("$ npm run parity -- tests/golden");
  });
});
