import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../../../tests/cli/recording-context.js";
import { type LocalServer, stalling, startLocalServer } from "../../../tests/fetch/local-server.js";
import { jpeg, serveFashionIq } from "../../../tests/fetch/published-copies.js";
import { runProgram } from "../run-program.js";

let server: LocalServer;
let root: string;
let picture: Buffer;
beforeAll(async () => {
  server = await startLocalServer();
  root = await mkdtemp(join(tmpdir(), "sdfn-data-fetch-"));
  picture = await jpeg(100);
  serveFashionIq(
    server,
    ["A", "B", "C"],
    [
      ["A", `${server.url}A`],
      ["B", `${server.url}B`],
    ],
  );
  server.serve("/A", picture);
});
afterAll(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

async function run(args: readonly string[], signal?: AbortSignal) {
  const context = recordingContext(signal ? { signal } : {});
  const code = await runProgram(["data", "fetch", ...args], context);
  return { code, output: context.output(), errors: context.errors() };
}

describe("sdfn data fetch", () => {
  it("prints one JSON line", async () => {
    const out = join(root, "json");
    const { code, output, errors } = await run([
      "fashioniq",
      "--out",
      out,
      "--base-url",
      `${server.url}fiq`,
      "--json",
    ]);
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
    expect(output.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(output)).toMatchObject({
      dataset: "fashioniq",
      directory: out,
      files: { present: 0, fetched: 21 },
      images: { wanted: 3, fetched: 1, dead: 1, unlisted: 1 },
      report: join(out, "fetch-report.json"),
      seconds: expect.any(Number),
    });
    expect(await readdir(join(out, "images"))).toEqual(["A.jpg"]);
  });

  it("tells people what came, what did not, and what to do next", async () => {
    const out = join(root, "text");
    const { code, output } = await run(["fashioniq", "--out", out, "--base-url", `${server.url}fiq`]);
    expect(code).toBe(0);
    expect(output).toMatch(
      /21 annotation files fetched\n +3 images named .*\n +1 images fetched\n +1 images dead: .*\n +1 images without/,
    );
    expect(output).toContain(
      `report: ${join(out, "fetch-report.json")}\nnext: sdfn data check ${out} --dataset fashioniq\n`,
    );
  });

  it("lists every wrong option at once", async () => {
    const { code, errors } = await run([
      "fashionmnist",
      "--base-url",
      "ftp://x/",
      "--parallel",
      "0",
      "--attempts",
      "many",
    ]);
    expect(code).toBe(2);
    for (const problem of [
      "<dataset> must be one of fashioniq, shoes, fashion200k; got fashionmnist",
      "--out is missing",
      "--base-url must be an http or https address; got ftp://x/",
      "--parallel must be a whole number from 1 to 64; got 0",
      "--attempts must be a whole number from 1 to 20; got many",
    ]) {
      expect(errors).toContain(problem);
    }
    expect((await run([])).errors).toContain("<dataset> is missing");
    const both = await run(["shoes", "--out", root, "--archive", "a.tar", "--url-list", "b.txt"]);
    expect(both).toMatchObject({ code: 2, errors: expect.stringContaining("--archive and --url-list") });
  });

  it("explains itself with examples", async () => {
    const { code, output } = await run(["--help"]);
    expect(code).toBe(0);
    expect(output).toContain("$ sdfn data fetch fashioniq --out data/fashioniq");
    expect(output).toContain("--url-list <file or url...>");
  });

  it("fails with a code and a next step when annotations are not there", async () => {
    const { code, output, errors } = await run([
      "shoes",
      "--out",
      join(root, "none"),
      "--base-url",
      server.url,
      "--json",
    ]);
    expect(code).toBe(1);
    expect(errors).toMatch(
      /^FETCH_FAILED: .*\n {2}- .*HTTP 404\n(?:.*\n)*the same command continues from here/,
    );
    expect(JSON.parse(output)).toMatchObject({ error: { code: "FETCH_FAILED" } });
  });

  it("stops at once, and says how to continue", async () => {
    const out = join(root, "stopped");
    const abort = new AbortController();
    server.on("/B", (request, response) => {
      stalling(picture)(request, response);
      setTimeout(() => abort.abort(), 20);
    });
    const args = ["fashioniq", "--out", out, "--base-url", `${server.url}fiq`, "--parallel", "1"];
    const { code, errors } = await run(args, abort.signal);
    expect(code).toBe(130);
    expect(errors).toContain(`every file in ${out} is whole; the same command continues from here\n`);
    expect(errors).toContain("INTERRUPTED");
    expect(await readdir(join(out, "images"))).toEqual(["A.jpg"]);
  });
});
