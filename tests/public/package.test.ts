/** The packed package in an empty project: it trains, indexes and serves from programs that import only `sdfn/...`. */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { extract } from "tar";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isCompiled, project } from "../fixtures/compiled.js";
import { publicFunctions } from "./public-functions.js";

let root: string;
let installed: string;
beforeAll(async () => {
  if (!isCompiled) return;
  root = mkdtempSync(join(tmpdir(), "sdfn-package-"));
  installed = join(root, "node_modules", "sdfn");
  run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", root], project);
  const file = readdirSync(root).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(installed, { recursive: true });
  await extract({ file: join(root, file), cwd: installed, strip: 1 });
  // In place of `npm install FILE.tgz`, which asks a registry and writes 650 MB: the tarball where npm would put it, and of the
  // packages that are installed here those that it says it needs. One that it forgot to name is not found.
  const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  for (const name of Object.keys(dependencies)) linkPackage(name);
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
});
afterAll(() => {
  if (root) rmSync(root, { recursive: true, force: true });
});

function linkPackage(name: string): void {
  const link = join(root, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(join(project, "node_modules", name), link, "junction");
}

/** @returns standard output of a program that must end well. */
function run(program: string, args: readonly string[], cwd = root): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  expect(status, `${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** A model in TypeScript, and each surface by name. */
const typedProgram = `
import { openBundle, type Encoder, type SdfnError } from "sdfn";
import { type CatalogueAnswer, CatalogueSearch } from "sdfn/search";
import { type Service, startService } from "sdfn/service";
import { resolveRunConfig, type RunConfig, train } from "sdfn/training";
import {
  add, type Composition, CompositionModel, defineModel, type EncoderConfig, type ImageFeatures, multiply, type Random,
  type TextFeatures, z,
} from "sdfn/models";

class Weighted extends CompositionModel {
  readonly #weight: number;
  constructor(config: EncoderConfig & { readonly weight: number }, vocabularySize: number, random: Random) {
    super(config, vocabularySize, random);
    this.#weight = config.weight;
  }
  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: add(embedding, multiply(sentence, this.#weight)) };
  }
}
export default defineModel({ name: "weighted", fields: { weight: z.number().default(1) }, modelClass: Weighted });
class Sum extends CompositionModel {
  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: add(embedding, sentence) };
  }
}
export const plain = defineModel({ name: "plain", modelClass: Sum });
export const config: RunConfig = resolveRunConfig({ set: ["epochs=3"] });
export const open: (folder: string) => Promise<Encoder> = openBundle;
export const serve: (index: string) => Promise<Service> = (index) => startService({ index });
export const answer = (search: CatalogueSearch): Promise<CatalogueAnswer> => search.search({ queries: [{ text: "red" }] });
export const codeOf = (error: SdfnError): string => error.code;
export { train };
`;

/** Its class does not take what its configuration gives. */
const wrongProgram = `${typedProgram}
defineModel({ name: "wrong", fields: { weight: z.string() }, modelClass: Weighted });
`;

describe.skipIf(!isCompiled)("the package", () => {
  it("has what a program needs, and no tool of developers", () => {
    expect(readdirSync(join(installed, "dist"))).toContain("public");
    expect(existsSync(join(installed, "dist", "parity"))).toBe(false);
    expect(existsSync(join(installed, "examples", "gated-fusion.mjs"))).toBe(true);
    expect(existsSync(join(installed, "dist", "web", "index.html"))).toBe(true);
    const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
    expect(files.filter((name) => /\.map$|\.test\.|tsbuildinfo/.test(name))).toEqual([]);
  });

  it("trains, indexes and serves from programs that import only its surfaces", () => {
    copyFileSync(join(project, "tests", "public", "set-up.mjs"), join(root, "shop.mjs"));
    run(process.execPath, ["shop.mjs"]);
    const serve = publicFunctions().find(({ name }) => name === "startService")?.example ?? "";
    writeFileSync(join(root, "serve.mjs"), serve);
    expect(run(process.execPath, ["serve.mjs"])).toBe("200\n");
  });

  it("has the command, which trains a file's model that imports the same package", () => {
    copyFileSync(join(installed, "examples", "gated-fusion.mjs"), join(root, "my-fusion.mjs"));
    const tiny = ["backbone=resnet18", "backboneWidth=0.0625", "embedDim=16", "imagePx=32", "resizePx=36"];
    const command = join(installed, "dist", "cli", "main.js");
    const fields = ["--set", ...tiny, "batchSize=8", "epochs=1"];
    run(process.execPath, [
      command,
      "data",
      "synthetic",
      "--out",
      "data/own",
      "--items",
      "20",
      "--triplets",
      "60",
    ]);
    const train = ["train", "--data", "data/own", "--out", "runs/own", "--model", "./my-fusion.mjs"];
    const { model, status } = JSON.parse(run(process.execPath, [command, ...train, ...fields, "--json"]));
    expect({ model, status }).toEqual({ model: "gated-fusion", status: "complete" });
  });

  it("has types for its surfaces, own fields of a model among them", () => {
    linkPackage("@types/node");
    const options = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2023", "--types", "node"];
    const modules = ["--module", "nodenext", "--moduleResolution", "nodenext"];
    const check = (text: string) => {
      writeFileSync(join(root, "program.ts"), text);
      const compiler = join(project, "node_modules/typescript/bin/tsc");
      return spawnSync(process.execPath, [compiler, ...options, ...modules, "program.ts"], {
        cwd: root,
        encoding: "utf8",
      });
    };
    expect(check(typedProgram)).toMatchObject({ status: 0, stdout: "" });
    expect(check(wrongProgram).stdout).toMatch(/program\.ts\(\d+,\d+\): error TS2322: .*Weighted/);
  });
});
