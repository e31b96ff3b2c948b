import { describe, expect, it } from "vitest";
import { findCycle, importsOf, readSources } from "./sources.js";

/**
 * Which folder may import which others; a folder may always import itself. Rows from the bottom up,
 * as in docs/architecture.md. A folder that is not listed may not exist.
 */
const allowedFolders: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  tensor: ["errors"],
  onnx: ["errors", "tensor"],
  graph: ["errors", "tensor", "onnx"],
  ops: ["errors", "tensor", "onnx", "graph"],

  autodiff: ["errors", "tensor", "graph", "ops"],
  runtime: ["errors", "tensor", "onnx", "graph", "ops"],
  optim: ["errors", "tensor", "graph", "ops"],
  losses: ["errors", "tensor", "graph", "ops"],
  nn: ["errors", "tensor", "graph", "ops"],
  weights: ["errors", "tensor"],
  data: ["errors", "tensor"],

  models: ["errors", "tensor", "graph", "ops", "nn", "losses", "weights"],
  retrieval: ["errors", "tensor", "graph", "ops", "runtime", "nn", "data", "weights", "models"],

  evaluation: ["errors", "tensor", "data", "models", "retrieval"],
  training: [
    ...[
      "errors",
      "tensor",
      "graph",
      "ops",
      "autodiff",
      "runtime",
      "optim",
      "losses",
      "nn",
      "weights",
      "data",
    ],
    ...["models", "retrieval", "evaluation"],
  ],
  report: ["errors", "data", "models", "retrieval", "evaluation", "training"],
  exporter: [
    "errors",
    "tensor",
    "onnx",
    "graph",
    "ops",
    "runtime",
    "nn",
    "weights",
    "data",
    "models",
    "retrieval",
    "training",
  ],
  service: ["errors", "tensor", "runtime", "data", "models", "retrieval"],

  cli: [
    ...[
      "errors",
      "tensor",
      "onnx",
      "graph",
      "ops",
      "autodiff",
      "runtime",
      "optim",
      "losses",
      "nn",
      "weights",
      "data",
    ],
    ...["models", "retrieval", "evaluation", "training", "report", "exporter", "service"],
  ],
};

/** Which folders may import a package. What is not listed may not be imported; node: modules may, anywhere. */
const allowedPackages: Readonly<Record<string, readonly string[] | "wherever input is checked">> = {
  "onnxruntime-node": ["runtime"],
  sharp: ["data"],
  commander: ["cli"],
  "cli-progress": ["cli"],
  echarts: ["report"],
  "csv-parse": ["data"],
  "csv-stringify": ["data", "cli"],
  "@bufbuild/protobuf": ["onnx"],
  "pure-rand": ["tensor"],
  yauzl: ["weights"],
  tar: ["data"],
  "@lancedb/lancedb": ["retrieval"],
  "apache-arrow": ["retrieval"],
  fastify: ["service"],
  "fastify-type-provider-zod": ["service"],
  "@fastify/compress": ["service"],
  "@fastify/helmet": ["service"],
  "@fastify/multipart": ["service"],
  "@fastify/rate-limit": ["service"],
  "@fastify/static": ["service"],
  "@fastify/swagger": ["service"],
  "@fastify/swagger-ui": ["service"],
  fresh: ["service"],
  "openapi-types": ["service"],
  "prom-client": ["service"],
  zod: "wherever input is checked",
};

/** Generated, or the public surface: re-exports from everywhere. */
const exempt = { length: ["onnx/onnx_pb.ts"], folders: ["index.ts"] };
const maxLines = 400;

const sources = readSources();
// Tests may reach up: a rule is tested by running it, an op by differentiating it.
const modules = sources.filter(({ isTest }) => !isTest);

describe("imports", () => {
  it("follow the table of folders", () => {
    const wrong = modules
      .filter(({ path }) => !exempt.folders.includes(path))
      .flatMap(({ path, folder, imports }) =>
        imports
          .map(({ file }) => file?.split("/")[0]?.replace(/\.ts$/, ""))
          .filter((target) => target !== undefined && target !== folder)
          .filter((target) => !allowedFolders[folder]?.includes(target ?? ""))
          .map(
            (target) => `src/${path} imports ${target}; src/${folder} may import ${allowedFolders[folder]}`,
          ),
      );
    expect(wrong).toEqual([]);
  });

  it("stay inside src/ and lead to files that exist", () => {
    const paths = new Set(sources.map(({ path }) => path));
    const wrong = modules.flatMap(({ path, imports }) =>
      imports
        .filter(({ file }) => file !== undefined && (!paths.has(file) || file.endsWith(".test.ts")))
        .map(({ specifier }) => `src/${path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it("take each package in its one folder", () => {
    const wrong = modules.flatMap(({ path, folder, imports }) =>
      imports
        .map(({ packageName }) => packageName)
        .filter((name) => name !== undefined && !name.startsWith("node:"))
        .filter((name) => {
          const folders = allowedPackages[name ?? ""];
          return folders !== "wherever input is checked" && !folders?.includes(folder);
        })
        .map(
          (name) => `src/${path} imports ${name}; allowed in ${allowedPackages[name ?? ""] ?? "no folder"}`,
        ),
    );
    expect(wrong).toEqual([]);
  });

  it("are complete: every folder has a row, every listed folder is known", () => {
    const folders = new Set(modules.filter(({ path }) => path.includes("/")).map(({ folder }) => folder));
    const known = Object.keys(allowedFolders);
    expect([...folders].filter((folder) => !known.includes(folder))).toEqual([]);
    expect(
      [...new Set(Object.values(allowedFolders).flat())].filter((name) => !known.includes(name)),
    ).toEqual([]);
  });

  it("have no cycle, neither in the table nor between folders", () => {
    expect(findCycle(new Map(Object.entries(allowedFolders)))).toBeUndefined();
    const edges = new Map<string, string[]>();
    for (const { path, folder, imports } of modules) {
      if (exempt.folders.includes(path)) continue;
      const targets = imports.flatMap(({ file }) => file?.split("/")[0]?.replace(/\.ts$/, "") ?? []);
      edges.set(folder, [...(edges.get(folder) ?? []), ...targets.filter((target) => target !== folder)]);
    }
    expect(findCycle(edges)).toBeUndefined();
  });
});

describe("files", () => {
  it("start with a comment that says what they are", () => {
    const silent = modules
      .filter(({ text }) => !/^(#![^\n]*\n)?(\/\*\*?[\s*]*[^\s*/]|\/\/ ?\S)/.test(text))
      .map(({ path }) => `src/${path}`);
    expect(silent).toEqual([]);
  });

  it(`have at most ${maxLines} lines`, () => {
    const long = sources
      .filter(({ path }) => !exempt.length.includes(path))
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `src/${path} has ${lines} lines; look for its second idea`);
    expect(long).toEqual([]);
  });

  it("never silence the type checker or the linter", () => {
    const silenced = sources
      .filter(({ path }) => !exempt.length.includes(path))
      .filter(({ text }) => /@ts-(ignore|expect-error|nocheck)|biome-ignore/.test(text))
      .map(({ path }) => `src/${path}`);
    expect(silenced).toEqual([]);
  });
});

describe("importsOf", () => {
  it("finds every form of import and nothing in comments", () => {
    const text = `
/** import { a } from "./comment.js"; */
// import "./other-comment.js";
import { b,
  type C } from "../graph/op.js";
import type { D } from "@scope/name/deep";
import * as e from "echarts/core";
import "./effect.js";
export * from "./again.js";
export { f } from "node:fs";
const g = await import("./late.js");
const text = 'a word from "nowhere" else';
`;
    expect(
      importsOf("ops/x.ts", text)
        .map(({ file, packageName }) => file ?? packageName)
        .sort(),
    ).toEqual(
      [
        "graph/op.ts",
        "@scope/name",
        "echarts",
        "ops/effect.ts",
        "ops/again.ts",
        "node:fs",
        "ops/late.ts",
      ].sort(),
    );
  });
});

describe("findCycle", () => {
  it("gives the names along a cycle, and nothing for a lattice", () => {
    const lattice = new Map([
      ["a", ["b", "c"]],
      ["b", ["d"]],
      ["c", ["d"]],
      ["d", []],
    ]);
    expect(findCycle(lattice)).toBeUndefined();
    expect(findCycle(new Map([...lattice, ["d", ["b"]]]))).toEqual(["b", "d", "b"]);
  });
});
