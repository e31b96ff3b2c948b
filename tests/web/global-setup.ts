/** One small shop, indexed for two models, and one browser, for all tests of the page. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { findChromium } from "../../scripts/chromium.mjs";
import { tinyModel } from "../fixtures/tiny-model.js";
import { command, serve } from "./commands.js";

export interface WebFixture {
  /** Address of the browser for `chromium.connect`. */
  readonly browser: string;
  /** Address of a service whose model has routers and attention. */
  readonly sdfn: string;
  /** The same shop under a model that has neither. */
  readonly plain: string;
  /** Index of the first, for tests that start a service of their own. */
  readonly index: string;
  /** Picture files. */
  readonly pictures: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** undefined where no browser is. */
    web: WebFixture | undefined;
  }
}

/** Seconds to train; nothing is learned. 64 px are four regions for words to attend to. */
const tiny = { ...tinyModel, imagePx: 64, resizePx: 72 };

export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const executablePath = findChromium();
  if (executablePath === undefined) {
    console.warn("\nSKIPPED: tests/web, no Chromium; install one, or name it in SDFN_CHROMIUM.\n");
    project.provide("web", undefined);
    return async () => {};
  }
  const page = new URL("../../dist/web/index.html", import.meta.url);
  if (!existsSync(page)) throw new Error(`tests/web: ${page.pathname} is not there; run npm run setup`);
  const root = mkdtempSync(join(tmpdir(), "sdfn-web-"));
  const [data, config] = [join(root, "data"), join(root, "tiny.json")];
  writeFileSync(config, JSON.stringify(tiny));
  await command("data", "synthetic", "--out", data, "--items", "20", "--triplets", "60", "--size", "64");
  const indexWith = async (model: string): Promise<string> => {
    const [run, index] = [join(root, `${model}-run`), join(root, `${model}-index`)];
    await command("train", "--data", data, "--out", run, "--config", config, "--model", model);
    await command("index", "--run", run, "--catalogue", join(data, "catalogue.csv"), "--out", index);
    return index;
  };
  const [index, plainIndex] = await Promise.all([indexWith("sdfn"), indexWith("tirg")]);
  // Tests search more often than shoppers do.
  const flags = ["--rate-limit", "100000", "--model-time", "60"];
  const [sdfn, plain, browser] = await Promise.all([
    serve(index, ...flags),
    serve(plainIndex, ...flags),
    chromium.launchServer({ executablePath, args: ["--no-sandbox"] }),
  ]);
  project.provide("web", {
    browser: browser.wsEndpoint(),
    sdfn: sdfn.address,
    plain: plain.address,
    index,
    pictures: join(data, "images"),
  });
  return async () => {
    await Promise.all([browser.close(), sdfn.stop(), plain.stop()]);
    rmSync(root, { recursive: true, force: true });
  };
}
