import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import { ffnWidthOf, parseSdfnConfig, routerWidthOf, sdfnSchema } from "./sdfn/config.js";

function problemsOf(given: unknown): string {
  try {
    parseSdfnConfig(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return "";
}

describe("SDFN's configuration", () => {
  it("defaults to the paper's text", () => {
    const config = parseSdfnConfig({});
    expect(config).toEqual({
      backbone: "resnet50",
      backboneWidth: 1,
      backboneStatistics: "batch",
      imagePasses: "joint",
      embedDim: 1024,
      textEncoder: "lstm",
      wordDim: 300,
      imageNorm: "none",
      textNorm: "none",
      initialScale: 10,
      layers: 3,
      modules: ["jrm", "cam", "gtm", "rcm"],
      heads: 8,
      ffnWidth: null,
      jrmResidual: true,
      gammaBias: 1,
      betaBias: 0,
      dropout: 0.1,
      router: "modality-specific",
      routerMerge: "mean",
      routerSoftmax: "sources",
      routerWidth: null,
      tau: 4,
      distillationMean: "pairs",
      consistencyForm: "symmetric",
      lambda1: 1,
      lambda2: 1,
      residual: null,
      sentenceSkip: false,
    });
    expect(ffnWidthOf(config)).toBe(2048);
    expect(routerWidthOf(config)).toBe(256);
  });

  it("lists every problem at once: unknown keys, wrong values, refused combinations", () => {
    const message = problemsOf({ embedDim: 10, head: 2, layers: 1, dropout: 1, router: "own", modules: [] });
    expect(message).toContain('unknown field "head"; known are backbone, ');
    expect(message).toMatch(/- dropout: .*; got 1/);
    expect(message).toMatch(/- router: .*; got "own"/);
    expect(message).toMatch(/- modules: .*; got \[\]/);
    expect(message).toContain("embedDim must be a multiple of heads; got embedDim 10, heads 8");
    expect(message).toContain("with one layer u is the reference's own embedding");
  });

  it("accepts one layer without the consistency loss, and any width where nothing attends", () => {
    expect(problemsOf({ layers: 1, lambda2: 0 })).toBe("");
    expect(problemsOf({ embedDim: 10, modules: ["gtm", "rcm"] })).toBe("");
  });

  it("has every field explained in docs/model.md", () => {
    const document = readFileSync(new URL("../../docs/model.md", import.meta.url), "utf8");
    expect(Object.keys(sdfnSchema.shape).filter((field) => !document.includes(`\`${field}\``))).toEqual([]);
  });

  it.each([
    { modules: ["rcm", "rcm"] },
    { backboneWidth: 0.3 },
    { initialScale: 0 },
    { tau: 0 },
    { lambda1: -1 },
    { embedDim: 1.5 },
    { heads: Number.NaN },
    { residual: "0.3" },
    [],
    null,
    "sdfn",
  ])("refuses %j", (given) => {
    expect(problemsOf(given)).not.toBe("");
  });
});
