import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packagedConfig } from "../../src/cli/flags/config-file.js";
import { runProgram } from "../../src/cli/run-program.js";
import type { SearchResponse } from "../../src/service/api.js";
import { recordingContext } from "./recording-context.js";

/** The result of what ends in time. */
const endsWithin = <T>(work: Promise<T>, ms: number) =>
  Promise.race([work, new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms))]);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "sdfn-demo-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Small enough for seconds; nothing is learned. */
const tiny = [
  "--items",
  "20",
  "--triplets",
  "60",
  "--set",
  "backboneWidth=0.125",
  "embedDim=16",
  "wordDim=8",
  "imagePx=32",
  "resizePx=36",
  "batchSize=8",
  "epochs=1",
  "warmupSteps=2",
  "maxWords=12",
  "holdOut=0.2",
];
const models = ["sdfn", "tirg", "image-only", "text-only"];

const missing = ["demo.json", "demo-baseline.json"].filter((name) => !existsSync(packagedConfig(name)));
if (missing.length > 0)
  console.warn(`SKIPPED: configs/${missing.join(", configs/")} not there; the demo cannot run`);

describe.skipIf(missing.length > 0)("sdfn demo", () => {
  it("trains and evaluates every model, and ends with one line of JSON", async () => {
    const out = join(root, "demo");
    const context = recordingContext();
    const args = ["demo", "--out", out, "--seed", "3", "--serve", "--json", ...tiny]; // --serve: as npm start
    expect(await runProgram(args, context)).toBe(0);
    expect(context.output().trimEnd().split("\n")).toHaveLength(1);
    const result = JSON.parse(context.output());
    expect(Object.keys(result)).toEqual(["seconds", "seed", "protocol", "models", "index"]);
    expect(result).toMatchObject({ seed: 3, protocol: "val-split" });
    expect(Object.keys(result.models)).toEqual(models);
    for (const { r1, r10, r50, perCategory } of Object.values<Record<string, number>>(result.models)) {
      expect(r1).toBeLessThanOrEqual(r10 ?? Number.NaN);
      expect(r10).toBeLessThanOrEqual(r50 ?? Number.NaN);
      expect(r50).toBeLessThanOrEqual(100);
      expect(Object.keys(perCategory ?? {})).toEqual(["dress", "shirt", "toptee"]);
    }

    const page = readFileSync(join(out, "report.html"), "utf8");
    for (const model of models) expect(page).toContain(`<th scope="row">${model}</th>`);
    expect(page.match(/class="card answer"/g)).toHaveLength(6);
    expect(page).toContain('id="route"');
    expect(page).toContain("<h3>Training loss</h3>");
    expect(page).toMatch(/alt="Rank 1(, the target)?: [A-Z][^"]* (dress|shirt|top)/);
    expect(page).not.toMatch(/<script|(src|href)="(?!data:|#)/);
    expect(JSON.parse(readFileSync(join(out, "results.json"), "utf8")).results).toHaveLength(models.length);
  });

  it("ends with a service over an index of the held-out pictures, which Ctrl-C stops", async () => {
    const out = join(root, "served");
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const abort = new AbortController();
    const context = recordingContext({ signal: abort.signal });
    const running = runProgram(["demo", "--out", out, "--serve", "--port", String(port), ...tiny], context);
    try {
      let address: string | undefined;
      while (address === undefined && (await endsWithin(running, 20)) === undefined)
        address = /Ctrl-C stops it\):\n {2}(http:\S+)\n$/.exec(context.output())?.[1];
      expect(address, context.errors()).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(address).not.toContain(`:${port}`);
      const asked = await fetch(`${address}/v1/search`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ queries: [{ text: "is red" }], limit: 200 }),
      });
      const { items, fitting } = (await asked.json()) as SearchResponse;
      expect(fitting).toBe(63); // 21 a category
      expect(items).toHaveLength(63);
      expect(items[0]?.item).toMatchObject({ title: expect.any(String), price: expect.any(Number) });
      const { ok } = await fetch(new URL(items[0]?.item.pictureUrl ?? "", address));
      expect(ok).toBe(true);
    } finally {
      abort.abort();
      taken.close();
    }
    expect(await running).toBe(0);
    expect(context.output()).toContain(`63 items: ${join(out, "index")}`);
    expect(context.output()).toContain(join(out, "report.html"));
  });

  it("refuses a port without a service", async () => {
    const context = recordingContext();
    expect(await runProgram(["demo", "--port", "80"], context)).toBe(2);
    expect(context.errors()).toMatch(/--port goes with --serve/);
  });

  it("refuses wrong fields before it draws or trains anything", async () => {
    const context = recordingContext();
    const out = join(root, "wrong");
    expect(await runProgram(["demo", "--out", out, "--set", "epochs=0"], context)).toBe(1);
    expect(context.errors()).toMatch(/^CONFIG_INVALID: .*\n.*epochs/);
    expect(context.output()).toBe("");
  });

  it("stops when asked to", async () => {
    const abort = new AbortController();
    const context = recordingContext({ signal: abort.signal });
    const running = runProgram(["demo", "--out", join(root, "stopped"), ...tiny], context);
    while (!context.output().includes("Training sdfn"))
      await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort();
    expect(await running).toBe(130);
    expect(context.errors()).toContain("INTERRUPTED: stopped before the end");
    expect(context.output()).not.toContain("Training tirg");
  });
});
