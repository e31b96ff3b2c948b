/** docs/service.md runs as it is written. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { executable, isCompiled } from "../fixtures/compiled.js";
import { makeSmallIndex, type SmallIndex } from "./small-index.js";

let place: SmallIndex;
beforeAll(async () => {
  place = await makeSmallIndex();
});
afterAll(() => place?.remove());

/** What a reader installs to generate a client. */
const packages = new URL("../../examples/client/node_modules", import.meta.url).pathname;
const hasTools = ["bash", "curl"].every((name) => spawnSync(name, ["--version"]).status === 0);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

describe.skipIf(!isCompiled || !hasTools)("docs/service.md", () => {
  it("runs block after block", async () => {
    const text = readFileSync(new URL("../../docs/service.md", import.meta.url), "utf8");
    const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block ?? "");
    expect(blocks.length).toBeGreaterThan(5);
    const folder = join(place.root, "reader");
    mkdirSync(join(folder, "data", "small"), { recursive: true });
    cpSync(place.index, join(folder, "data", "small-index"), { recursive: true });
    cpSync(join(place.root, "catalogue.csv"), join(folder, "data", "small", "catalogue.csv"));
    // What a reader has: `npx sdfn`, the packages that `npm install` brings, and port 8080.
    const generator = join(packages, "openapi-typescript", "bin", "cli.js");
    const sdfn =
      `npm() { test "$1" = install; }\n` +
      `npx() { local script="${executable}"; [ "$1" = sdfn ] || script="${generator}"; shift; ` +
      `"${process.execPath}" "$script" "$@"; }\n`;
    const port = String(await freePort());
    const script =
      sdfn +
      blocks
        .map((block, i) => `echo "== ${i}"\n${block}`)
        .join("")
        .replaceAll("8080", port);
    writeFileSync(join(folder, "run.sh"), script);
    symlinkSync(dirname(dirname(executable)), join(folder, "dist"));
    const child = spawn("bash", ["-eu", "-o", "pipefail", "run.sh"], { cwd: folder });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code, output).toBe(0);
    expect(output).not.toContain('"error"');
    const answers = output.split(/== \d+\n/);
    expect(answers[1]).toMatch(/\{"status":"ready","slots":\{"queries":\{"taken":0,"free":64\}/);
    expect(answers[2]).toContain('"plan":"exact"');
    expect(answers[3]).toMatch(/"plan":"exact"[\s\S]*"plan":"list"/);
    expect(answers[4]).toMatch(/"price":49\.9[\s\S]*"price":39\.9/);
    expect(answers[5]).toContain("search-api.ts");
    expect(answers[6]).toMatch(/sdfn_[\w-]{43}[\s\S]*trial removed/);
    expect(answers[7]).toBe("--allow-host shop.example\n");
    expect(answers[8]).toMatch(/^3\n[\s\S]*sdfn_items 12[\s\S]*"status":"ready"/);
    expect(answers[8]).toContain('sdfn_slots{slots="uploadBytes",state="taken"} 0');
    expect(answers[9]).toMatch(/--allow-host[\s\S]*X-Forwarded-For/);
    expect(existsSync(join(folder, "data", "small-index", "writer.lock"))).toBe(false);
  });
});
