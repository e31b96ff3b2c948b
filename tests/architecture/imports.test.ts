import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { floorOf, floors, roomOf } from "./floors.js";
import { findCycle, importsOf, readSources } from "./sources.js";

/** Which folders may import a package. What is not listed may not be imported; node: modules may, anywhere. */
const allowedPackages: Readonly<Record<string, readonly string[] | "wherever input is checked">> = {
  "onnxruntime-node": ["engine/runtime"],
  sharp: ["images", "data"],
  commander: ["cli", "parity"],
  "cli-progress": ["cli"],
  echarts: ["report"],
  "csv-parse": ["catalogue"],
  "@humanwhocodes/momoa": ["catalogue"],
  "csv-stringify": ["data", "experiments"],
  "@bufbuild/protobuf": ["engine/onnx"],
  "@huggingface/tokenizers": ["text"],
  "pure-rand": ["engine/tensor"],
  yauzl: ["weights"],
  tar: ["data"],
  "@lancedb/lancedb": ["search"],
  "apache-arrow": ["search"],
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

/** Generated. */
const exemptFromLength = ["engine/onnx/onnx_pb.ts"];
/** The public surface: re-exports from everywhere. */
const surfaces = [
  "index",
  ...["models", "search", "service", "training"].map((name) => `public/${name}`),
].map((name) => `${name}.ts`);
const maxLines = 400;

const sources = readSources();
// Tests may reach up: a rule is tested by running it, an op by differentiating it.
const modules = sources.filter(({ isTest }) => !isTest);
const inRooms = modules.flatMap((module) => {
  const room = roomOf(module.path);
  return room === undefined ? [] : [{ ...module, room }];
});

describe("imports", () => {
  it("go down: to the same folder, or to one on a lower floor", () => {
    const wrong = inRooms.flatMap(({ path, room, imports }) =>
      imports.flatMap(({ file }) => {
        const target = file === undefined ? undefined : roomOf(file);
        if (target === undefined || target === room || floorOf(target) < floorOf(room)) return [];
        return [`src/${path} imports src/${file}; ${target} does not lie below ${room}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("of pretrained weights come from what starts a run, and from the command that checks weights", () => {
    const users = modules.filter(({ path, imports }) => {
      return !path.startsWith("weights/") && imports.some(({ file }) => file?.startsWith("weights/"));
    });
    expect(users.map(({ path }) => path)).toEqual([
      "cli/commands/weights-check.ts",
      "cli/weights/describe-weights.ts",
      "training/initial-weights.ts",
      "training/pretrained-towers.ts",
    ]);
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
    const wrong = inRooms.flatMap(({ path, room, imports }) =>
      imports
        .map(({ packageName }) => packageName)
        .filter((name) => name !== undefined && !name.startsWith("node:"))
        .filter((name) => {
          const folders = allowedPackages[name ?? ""];
          return folders !== "wherever input is checked" && !folders?.includes(room);
        })
        .map(
          (name) => `src/${path} imports ${name}; allowed in ${allowedPackages[name ?? ""] ?? "no folder"}`,
        ),
    );
    expect(wrong).toEqual([]);
  });

  it("are complete: every file lies in a listed folder, and every listed folder is there", () => {
    const unlisted = modules.filter(({ path }) => !surfaces.includes(path) && roomOf(path) === undefined);
    expect(unlisted.map(({ path }) => path)).toEqual([]);
    const found = new Set(inRooms.map(({ room }) => room));
    expect(floors.flat().filter((room) => !found.has(room))).toEqual([]);
  });

  it("have no cycle between files", () => {
    const edges = inRooms.map(
      ({ path, imports }) => [path, imports.flatMap(({ file }) => file ?? [])] as const,
    );
    expect(findCycle(new Map(edges))).toBeUndefined();
  });
});

describe("stores", () => {
  /** Packages of each kind of store; its files begin with the kind's name. */
  const engines: Readonly<Record<string, readonly string[]>> = {
    lance: ["@lancedb/lancedb", "apache-arrow"],
  };

  it.each(Object.keys(engines))("keep their engine to themselves: %s", (kind) => {
    const isOwn = (path: string) => path.startsWith(`search/store/${kind}-`);
    const entrance = `search/store/${kind}-kind.ts`;
    const wrong = modules
      .filter(({ path }) => !isOwn(path))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ file = "", packageName = "" }) => {
            if (engines[kind]?.includes(packageName)) return true;
            return isOwn(file) && !(path === "search/store/store-kinds.ts" && file === entrance);
          })
          .map(({ specifier }) => `src/${path} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it("are known elsewhere by their interface, the kinds, and the exact one in memory as the oracle", () => {
    const open = ["exact-store", "filter", "local-store", "store-kind", "store-kinds", "vector-store"];
    const wrong = modules
      .filter(({ path }) => !path.startsWith("search/store/"))
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ file = "" }) => file.startsWith("search/store/"))
          .filter(({ file = "" }) => !open.some((name) => file === `search/store/${name}.ts`))
          .map(({ specifier }) => `src/${path} imports ${specifier}`),
      );
    expect(wrong).toEqual([]);
    const locks = modules.filter(
      ({ path, imports }) =>
        path.startsWith("search/") && imports.some(({ file }) => file === "files/folder-lock.ts"),
    );
    expect(locks.map(({ path }) => path)).toEqual(["search/store/local-store.ts"]);
  });
});

describe("options of commands", () => {
  it("are made of tables: only the module of tables calls commander for them", () => {
    const own = "cli/flags/option-command.ts";
    const wrong = modules
      .filter(({ path }) => path !== own)
      .filter(({ text }) => /\.(option|requiredOption|addOption|argument|arguments|addArgument)\(/.test(text))
      .map(({ path }) => `src/${path} declares options; use a table and optionCommand`);
    expect(wrong).toEqual([]);
    expect(modules.some(({ path, text }) => path === own && text.includes(".addOption("))).toBe(true);
  });
});

describe("docs/architecture.md", () => {
  it("shows the same floors, each folder with a word on what it holds", () => {
    const text = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");
    const [, block = ""] = /```\nweb [^\n]*\n([\s\S]*?)```/.exec(text) ?? [];
    const shown = block.trimEnd().split("\n");
    expect(shown.map((line) => line.split(/ {2,}/)[0]?.split(" · "))).toEqual(floors);
    expect(shown.filter((line) => !/ {2,}\S/.test(line))).toEqual([]);
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
      .filter(({ path }) => !exemptFromLength.includes(path))
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > maxLines)
      .map(({ path, lines }) => `src/${path} has ${lines} lines; look for its second idea`);
    expect(long).toEqual([]);
  });

  it("never silence the type checker or the linter", () => {
    const silenced = sources
      .filter(({ path }) => !exemptFromLength.includes(path))
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
