/** A model in a file of the user's own, through every command: the worked example of docs/model.md. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executable, isCompiled, project } from "../fixtures/compiled.js";
import { tinyFields } from "../training/tiny-training.js";

const modelFile = "./gated-fusion.mjs";
const own = ["--model", modelFile];

let root: string;
let example: string;
beforeAll(() => {
  if (!isCompiled) return;
  root = mkdtempSync(join(tmpdir(), "sdfn-own-model-"));
  // As `npm install sdfn` leaves it: the command and the model's file see the same package.
  mkdirSync(join(root, "node_modules"));
  symlinkSync(project, join(root, "node_modules", "sdfn"), "junction");
  copyFileSync(join(project, "examples", "gated-fusion.mjs"), join(root, modelFile));
  example = readFileSync(join(root, modelFile), "utf8");
  writeFileSync(join(root, "config.json"), JSON.stringify(tinyFields));
  sdfnDone("data", "synthetic", "--out", "data", "--items", "20", "--triplets", "60", "--size", "36");
});
afterAll(() => {
  if (root) rmSync(root, { recursive: true, force: true });
});

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  return { code: status, output: stdout, errors: stderr };
}

function sdfn(...args: string[]) {
  return node(executable, ...args);
}

/** @returns what was written, of a command that must succeed. */
function sdfnDone(...args: string[]): string {
  const { code, output, errors } = sdfn(...args);
  expect(code, errors).toBe(0);
  return output;
}

const hashOf = (text: string) => createHash("sha256").update(text).digest("hex");
const json = (text: string) => JSON.parse(text.trimEnd().split("\n").at(-1) ?? "");
const trainArgs = ["train", "--data", "data", "--config", "config.json", ...own, "--set", "openGate=0.3"];

/** A program of the user's own that stops after three steps. */
const stopEarly = `
import { loadModelFile } from "sdfn/models";
import { openDataset, resolveRunConfig, train } from "sdfn/training";
const model = await loadModelFile("${modelFile}");
const config = resolveRunConfig({ file: ${JSON.stringify(tinyFields)}, model, set: ["openGate=0.3"] });
const stop = new AbortController();
const { status } = await train({
  dataset: openDataset("data"),
  config,
  runDir: "stopped",
  signal: stop.signal,
  onEvent: (event) => event.kind === "step" && event.step === 3 && stop.abort(),
});
console.log(status);
`;

/** Another version of the file, which tells when it is run. */
const changed = () => `import { writeFileSync } from "node:fs";\nwriteFileSync("was-run", "");\n${example}`;

function withChangedFile(work: () => void): void {
  writeFileSync(join(root, modelFile), changed());
  try {
    work();
  } finally {
    writeFileSync(join(root, modelFile), example);
  }
}

/** The commands of docs/model.md, each of which needs those before it. */
const [, section = ""] = readFileSync(join(project, "docs", "model.md"), "utf8").split("## Your own model");
const documented = (/```sh\n([\s\S]*?)\n```/.exec(section)?.[1] ?? "").split("\n");

describe.skipIf(!isCompiled)("a model of one's own", () => {
  it("trains, with its own loss in the metrics, its own field in the configuration, and its hash in the run", () => {
    expect(sdfnDone(...trainArgs, "--out", "whole")).toContain(
      `sdfn evaluate --run whole --model ${modelFile} --data data`,
    );
    const { config, modelFile: recorded } = JSON.parse(readFileSync(join(root, "whole", "run.json"), "utf8"));
    expect(config).toMatchObject({ model: "gated-fusion", openGate: 0.3 });
    expect(recorded).toEqual({ path: modelFile, sha256: hashOf(example) });
    const [first = ""] = readFileSync(join(root, "whole", "metrics.jsonl"), "utf8").split("\n");
    const { loss } = JSON.parse(first);
    expect(Object.keys(loss)).toEqual(["total", "classification", "gate"]);
    expect(loss.total).toBeCloseTo(loss.classification + 0.3 * loss.gate, 5);
  });

  it("is resumed bit for bit, with its file named again", () => {
    writeFileSync(join(root, "stop-early.mjs"), stopEarly);
    expect(node("stop-early.mjs")).toMatchObject({ code: 0, output: "interrupted\n" });
    const unnamed = sdfn("train", "--resume", "stopped");
    expect(unnamed).toMatchObject({ code: 1, output: "" });
    expect(unnamed.errors).toMatch(/^RUN_INVALID: stopped: its model is a file .*give --model \.\/gated/);
    sdfnDone("train", "--resume", "stopped", ...own);
    const parameters = (run: string) => readFileSync(join(root, run, "parameters.safetensors"));
    expect(parameters("stopped").equals(parameters("whole"))).toBe(true);
  });

  it("is evaluated, reported, exported, searched and indexed", () => {
    const run = ["--run", "whole", ...own];
    expect(json(sdfnDone("evaluate", ...run, "--data", "data", "--json"))).toMatchObject({
      model: "gated-fusion",
    });
    sdfnDone("report", ...run);
    expect(readFileSync(join(root, "whole", "report.html"), "utf8")).toContain("openGate");
    sdfnDone("export", ...run, "--out", "bundle");
    const query = ["--text", "is red", "--json"];
    const picture =
      readFileSync(join(root, "data", "catalogue.csv"), "utf8")
        .split("\n")[1]
        ?.split(",")[0] ?? "";
    const found = json(sdfnDone("search", ...run, "--data", "data", "--image", picture, ...query));
    expect(found.items).toHaveLength(10);
    sdfnDone("index", ...run, "--catalogue", "data/catalogue.csv", "--out", "index");
  });

  it("needs no file any more where it is a bundle", () => {
    rmSync(join(root, modelFile));
    try {
      expect(json(sdfnDone("search", "--index", "index", "--text", "is red", "--json")).items).toHaveLength(
        10,
      );
      const missing = sdfn("evaluate", "--run", "whole", ...own, "--data", "data");
      expect(missing.errors).toMatch(/^MODEL_FILE_INVALID: \.\/gated-fusion\.mjs: there is no such file/);
    } finally {
      writeFileSync(join(root, modelFile), example);
    }
  });

  it("is compared with others, and a changed file is not compared with what the old one gave", () => {
    const grid = [
      "compare",
      "--data",
      "data",
      "--models",
      `sum,${modelFile}`,
      "--seeds",
      "1",
      "--out",
      "grid",
    ];
    const compare = () =>
      sdfn(...grid, "--config", "config.json", "--set", "epochs=1", "openGate=0.5", "--json");
    const { code, output, errors } = compare();
    expect(code, errors).toBe(0);
    expect(json(output).rows.map(({ name }: { name: string }) => name)).toEqual(["sum", "gated-fusion"]);
    withChangedFile(() => {
      const refused = compare();
      expect(refused.code).toBe(2);
      expect(refused.errors).toContain(`model file "${hashOf(example)}", now "${hashOf(changed())}"`);
      rmSync(join(root, "was-run"));
    });
  });

  it("is refused when its file has changed, with both hashes, and the file is not run", () => {
    withChangedFile(() => {
      for (const args of [
        ["evaluate", "--run", "whole", "--data", "data", ...own],
        ["train", "--resume", "stopped", ...own],
        ["export", "--run", "whole", "--out", "other", ...own],
      ]) {
        const { code, errors } = sdfn(...args);
        expect(code).toBe(1);
        expect(errors).toMatch(
          /^RUN_INVALID: \w+: was trained with another model file; .*; put back the file/,
        );
        expect(errors).toContain(hashOf(example));
        expect(errors).toContain(hashOf(changed()));
      }
      expect(existsSync(join(root, "was-run"))).toBe(false);
    });
  });

  it("is loaded from the command line alone, not because a configuration names it", () => {
    writeFileSync(join(root, "naming.json"), JSON.stringify({ ...tinyFields, model: modelFile }));
    const named = sdfn("train", "--data", "data", "--out", "named", "--config", "naming.json");
    expect(named).toMatchObject({ code: 2 });
    expect(named.errors).toMatch(/runs as code, .*give --model \.\/gated-fusion\.mjs/);
    sdfnDone("train", "--data", "data", "--out", "sum", "--config", "config.json", "--model", "sum");
    const needless = sdfn("evaluate", "--run", "sum", "--data", "data", ...own);
    expect(needless.errors).toMatch(/^USAGE: --model: the run has the project's model sum/);
  });

  it("says what is wrong with a file that cannot be used", () => {
    const files: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
      "throws.mjs": [
        "throw new Error('not today');",
        /does not run; got Error: not today; try it with: node/,
      ],
      "silent.mjs": ["export const x = 1;", /its default export must be .*; got none/],
      "no-package.mjs": ["import 'nowhere-to-be-found';", /does not run; .*nowhere-to-be-found/],
      "taken.mjs": [example.replace('"gated-fusion"', '"tirg"'), /the project has a model named tirg/],
      "name.mjs": [example.replace('"gated-fusion"', '"Gated Fusion"'), /name: must be small letters/],
      "encoder.mjs": [example.replace("{ openGate:", "{ embedDim:"), /the encoders have a field embedDim/],
      "field.mjs": [
        example.replace("{ openGate:", "{ epochs:"),
        /training has fields of the same names; got epochs/,
      ],
      "class.mjs": [
        example.replace("modelClass: GatedFusion", "modelClass: 5"),
        /modelClass: must be a class/,
      ],
    };
    for (const [name, [text, message]] of Object.entries(files)) {
      writeFileSync(join(root, name), text);
      const { code, errors } = sdfn("train", "--data", "data", "--out", "never", "--model", `./${name}`);
      expect(code, name).toBe(1);
      expect(errors).toMatch(message);
      expect(errors).toMatch(/^MODEL_FILE_INVALID: /);
    }
    expect(existsSync(join(root, "never"))).toBe(false);
  });

  it("that goes wrong when it is built is told by the place in its file, not as a bug of the project", () => {
    const composed = "return { q, gate };";
    const versions: Readonly<Record<string, readonly [from: string, to: string, message: RegExp]>> = {
      "no-query.mjs": [
        composed,
        "return q;",
        /GatedFusion\.compose: must give \{ q \}, .*; got float32\[8, 16\]/,
      ],
      "unknown.mjs": [composed, "return { q: nothing };", /unknown\.mjs:\d+:\d+: nothing is not defined/],
      "shapes.mjs": [
        "concat([embedding, sentence], { axis: 1 })",
        "embedding",
        /^SHAPE_MISMATCH: .* at shapes\.mjs:\d+/,
      ],
      "number.mjs": [
        "value }];",
        "value: 3 }];",
        /GatedFusion\.losses: must give a list .*; got gate .* value 3/,
      ],
    };
    for (const [name, [from, to, message]] of Object.entries(versions)) {
      expect(example).toContain(from);
      writeFileSync(join(root, name), example.replace(from, to));
      const train = ["train", "--data", "data", "--config", "config.json", "--model", `./${name}`];
      const { code, errors } = sdfn(...train, "--out", `runs/${name}`);
      expect(code).toBe(1);
      expect(errors).toMatch(message);
      expect(errors).not.toContain("bug in sdfn");
    }
  });

  it("trains in micro-batches too", () => {
    const parts = ["--set", "microBatchSize=4", "epochs=1"];
    const trained = sdfnDone(
      "train",
      "--data",
      "data",
      "--config",
      "config.json",
      ...own,
      ...parts,
      "--out",
      "parts",
    );
    expect(trained).toContain("complete after 6 steps");
  });

  it.each(documented)("is trained, compared and exported as docs/model.md has it: %s", (command) => {
    for (const file of ["configs/demo-baseline.json", "examples/gated-fusion.mjs"]) {
      cpSync(join(project, file), join(root, file));
    }
    const [npx, name, ...args] = command.split(" ");
    expect([npx, name]).toEqual(["npx", "sdfn"]);
    sdfnDone(...args);
  });

  it("of another copy of the package is refused", () => {
    const other = join(root, "elsewhere");
    const copy = join(other, "node_modules", "sdfn");
    mkdirSync(join(copy, "dist"), { recursive: true });
    const surface =
      "export class ModelDefinition {}; export const defineModel = () => new ModelDefinition();";
    writeFileSync(
      join(copy, "package.json"),
      '{"name":"sdfn","type":"module","exports":{"./models":"./models.js"}}',
    );
    writeFileSync(join(copy, "models.js"), surface);
    writeFileSync(
      join(other, "model.mjs"),
      'import { defineModel } from "sdfn/models"; export default defineModel();',
    );
    const { errors } = sdfn("train", "--data", "data", "--out", "never", "--model", "elsewhere/model.mjs");
    expect(errors).toMatch(/^MODEL_FILE_INVALID: .*another copy of sdfn.*npx sdfn/);
  });
});
