/** A client generated from the document as it is served compiles, and works against the service. */
import { spawn } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keyFile, makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

const root = new URL("../..", import.meta.url).pathname;
const example = join(root, "examples", "client");
/** A shop's project. */
const project = mkdtempSync(join(tmpdir(), "sdfn-client-"));
let place: SmallIndex;
let service: Running;
let keys: Awaited<ReturnType<typeof keyFile>>;

/** Not in this process's way: the service runs in it. */
async function run(file: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: project,
    env: { ...process.env, SEARCH_KEY: keys.key },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, output: stdout + stderr, stdout };
}
const compile = (tsc: string) =>
  run(
    join(tsc, "bin", "tsc"),
    "--strict",
    "--exactOptionalPropertyTypes",
    "--noUncheckedIndexedAccess",
    "--target",
    "es2023",
    "--module",
    "nodenext",
    "--types",
    "node",
    ...readdirSync(project).filter((name) => name.endsWith(".ts")),
  );

beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
  service = await start({ index: place.copy("served"), keys: keys.file });
  mkdirSync(join(project, "node_modules", "@types"), { recursive: true });
  for (const name of [
    "openapi-fetch",
    "openapi-typescript-helpers",
    join("@types", "node"),
    "undici-types",
  ]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  const [, program = ""] = blocks;
  writeFileSync(join(project, "from-docs.ts"), program.replace("http://127.0.0.1:8080", service.address));
  mkdirSync(join(project, "data"));
  copyFileSync(place.picture("A3"), join(project, "data", "own.jpg"));
  writeFileSync(join(project, "package.json"), '{ "type": "module" }\n');
  for (const name of readdirSync(example).filter((entry) => entry.endsWith(".ts"))) {
    copyFileSync(join(example, name), join(project, name));
  }
});
afterAll(async () => {
  await service?.close();
  place?.remove();
  rmSync(project, { recursive: true, force: true });
});

/** The blocks of docs/service.md that are a client. */
const blocks = [...readFileSync(join(root, "docs", "service.md"), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)]
  .map(([, block]) => block ?? "")
  .filter((block) => block.includes("asForm"));

describe("a generated client", () => {
  it("is generated from the document as it is served", async () => {
    const generator = join(example, "node_modules", "openapi-typescript", "bin", "cli.js");
    // As docs/service.md says.
    const generated = await run(
      generator,
      `${service.address}/openapi.json`,
      "--default-non-nullable",
      "false",
      "--output",
      "search-api.ts",
    );
    expect(generated.status, generated.output).toBe(0);
    const types = readFileSync(join(project, "search-api.ts"), "utf8");
    for (const id of ["search", "putItem", "getMetrics"]) expect(types).toContain(`operations["${id}"]`);
  });

  it("compiles with the TypeScript of now and the one before, and refuses what the service refuses", async () => {
    for (const tsc of [
      join(root, "node_modules", "typescript"),
      join(example, "node_modules", "typescript"),
    ]) {
      const compiled = await compile(tsc);
      expect(compiled.status, compiled.output).toBe(0);
    }
    const bodies = ["{ queries: [{ text: 1 }] }", '{ filter: [{ kind: "colour" }] }', "{ limits: 3 }"];
    const request = 'components["schemas"]["SearchRequestInput"]';
    const wrong = bodies.map((body, i) => `export const wrong${i}: ${request} = ${body};\n`);
    writeFileSync(
      join(project, "wrong.ts"),
      `import type { components } from "./search-api.js";\n${wrong.join("")}`,
    );
    const { output } = await compile(join(root, "node_modules", "typescript"));
    for (const i of bodies.keys()) expect(output).toMatch(new RegExp(`wrong\\.ts[:(]${i + 2}\\D.*error TS`));
    rmSync(join(project, "wrong.ts"));
  });

  it("is what docs/service.md shows, and its program runs", async () => {
    expect(readFileSync(join(example, "search-service.ts"), "utf8")).toContain(blocks[0]);
    const done = await run("from-docs.js");
    expect(done.status, done.output).toBe(0);
    expect(done.stdout).toMatch(/thumbnailUrl[\s\S]*201\n$/);
  });

  it("does every operation", async () => {
    const file = place.picture("A3");
    const done = await run("every-operation.js", service.address, keys.key, file);
    expect(done.status, done.output).toBe(0);
    expect(JSON.parse(done.stdout)).toEqual({
      health: "alive",
      readiness: "ready",
      items: 12,
      suggestions: ["is red", "is blue"],
      put: 201,
      price: 49.9,
      pictureBytes: statSync(file).size,
      hasThumbnail: true,
      byWords: 3,
      byPicture: expect.any(String),
      removed: 204,
      missing: "NOT_FOUND",
      wrong: "INPUT_INVALID",
      countsItems: true,
    });
    const asked = new Set(service.lines().map(({ method, route }) => `${method} ${route}`));
    expect(asked).toContain("DELETE /v1/items/:id");
  });
});
