/** What a run does not resume with: damaged checkpoints, other data, another configuration, a run that is under way. */
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { resumeTraining, train } from "../../src/training/train.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();
const stopped = join(folder, "stopped");
let expected: Buffer;

const config = resolveRunConfig({ file: { ...tinyFields, model: "sum", holdOut: 0.1, learningRate: 1e-4 } });

beforeAll(async () => {
  const dataset = openFashionIq(data);
  const whole = join(folder, "whole");
  await train({ dataset, config, runDir: whole, session });
  expected = readFileSync(join(whole, "parameters.safetensors"));
  const controller = new AbortController();
  const onEvent = ({ kind, step }: { kind: string; step?: number }) => {
    if (kind === "step" && step === 8) controller.abort();
  };
  await train({
    dataset,
    config,
    runDir: stopped,
    session,
    signal: controller.signal,
    checkpointMinutes: 0,
    onEvent: (event) => onEvent(event as { kind: string; step?: number }),
  });
});

let copies = 0;
/** A copy of the stopped run, and its checkpoints' files, oldest first. */
function copy() {
  copies += 1;
  const runDir = join(folder, `copy-${copies}`);
  cpSync(stopped, runDir, { recursive: true });
  const checkpoints = join(runDir, "checkpoints");
  const files = (start: string) =>
    readdirSync(checkpoints)
      .filter((name) => name.startsWith(start))
      .sort()
      .map((name) => join(checkpoints, name));
  return { runDir, states: files("state-"), manifests: files("checkpoint-") };
}

const resume = (runDir: string, options: Partial<Parameters<typeof resumeTraining>[0]> = {}) =>
  resumeTraining({ dataset: openFashionIq(data), runDir, session, ...options });
const parametersOf = (runDir: string) => readFileSync(join(runDir, "parameters.safetensors"));

function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe("a run that was stopped", () => {
  it("keeps two checkpoints, and continues from either with the same bits", async () => {
    const { runDir, states, manifests } = copy();
    expect([states.length, manifests.length]).toEqual([2, 2]);
    expect((await resume(runDir)).status).toBe("complete");
    expect(parametersOf(runDir).equals(expected)).toBe(true);
    const other = copy().runDir;
    await resume(other, { checkpoint: "previous" });
    expect(parametersOf(other).equals(expected)).toBe(true);
  });

  it("refuses a damaged checkpoint with the reason, offers the one before, and continues from it", async () => {
    const { runDir, states, manifests } = copy();
    flipByte(states[1] ?? "", 5000);
    await expect(resume(runDir)).rejects.toThrow(
      /state-\d+\.safetensors is damaged: its checksum is another; the one before it, of step 7, is whole: .*--checkpoint previous/,
    );
    truncateSync(states[1] ?? "", 5000);
    await expect(resume(runDir)).rejects.toThrow(/must have \d+ bytes; got 5000/);
    rmSync(states[1] ?? "");
    await expect(resume(runDir)).rejects.toThrow(/cannot be read: ENOENT/);
    const manifest = readFileSync(manifests[1] ?? "", "utf8");
    writeFileSync(manifests[1] ?? "", manifest.replace('"step": 8', '"step": 9'));
    await expect(resume(runDir)).rejects.toThrow(/checkpoint-\d+\.json is damaged: its checksum is another/);
    writeFileSync(manifests[1] ?? "", manifest.slice(0, 300));
    await expect(resume(runDir)).rejects.toThrow(/checkpoint-\d+\.json is damaged: .*JSON/);
    await resume(runDir, { checkpoint: "previous" });
    expect(parametersOf(runDir).equals(expected)).toBe(true);
  });

  it("says so when no checkpoint is whole, or there is none", async () => {
    const { runDir, states } = copy();
    for (const file of states) flipByte(file, 5000);
    await expect(resume(runDir)).rejects.toThrow(/no other checkpoint is whole; train anew/);
    rmSync(join(runDir, "checkpoints"), { recursive: true });
    await expect(resume(runDir)).rejects.toThrow(/has no checkpoint to resume from/);
  });

  it("never reads a file outside its folder, whatever a manifest says", async () => {
    const { runDir, manifests } = copy();
    const file = manifests[1] ?? "";
    writeFileSync(file, readFileSync(file, "utf8").replace(/state-\d+\.safetensors/, "../../../etc/passwd"));
    await expect(resume(runDir)).rejects.toThrow(/is damaged/);
  });

  it("refuses another configuration with every difference", async () => {
    const { runDir } = copy();
    const other = resolveRunConfig({ file: { ...config.fields, epochs: 3, learningRate: 1 } });
    await expect(resume(runDir, { config: other })).rejects.toThrow(
      /configuration has changed.*\n {2}- epochs: 2 when it began, 3 now\n {2}- learningRate: 0\.0001 when it began, 1 now/,
    );
    const manifest = join(runDir, "run.json");
    writeFileSync(manifest, readFileSync(manifest, "utf8").replace('"seed": 1', '"seed": 2'));
    await expect(resume(runDir)).rejects.toThrow(/seed: 1 when it began, 2 now/);
  });

  it("refuses other data with what differs", async () => {
    const { runDir } = copy();
    const changed = join(folder, "changed");
    cpSync(data, changed, { recursive: true });
    const captions = join(changed, "captions", "cap.dress.train.json");
    const entries = JSON.parse(readFileSync(captions, "utf8"));
    writeFileSync(captions, JSON.stringify(entries.slice(1)));
    await expect(resume(runDir, { dataset: openFashionIq(changed) })).rejects.toThrow(
      /data have changed.*\n {2}- triplets: \d+ when it began, \d+ now/,
    );
    cpSync(data, changed, { recursive: true });
    const [image = ""] = readdirSync(join(changed, "images"));
    const used = new Set(
      entries.flatMap(({ candidate, target }: Record<string, string>) => [candidate, target]),
    );
    for (const name of readdirSync(join(changed, "images"))) {
      if (used.has(name.replace(/\..*$/, ""))) appendFileSync(join(changed, "images", name), "x");
    }
    expect(image).not.toBe("");
    await expect(resume(runDir, { dataset: openFashionIq(changed) })).rejects.toThrow(
      /image files: as many as before, but other names or sizes/,
    );
  });

  it("is trained by one process at a time", async () => {
    const { runDir } = copy();
    writeFileSync(join(runDir, "train.lock"), JSON.stringify({ processId: 1, started: "" })); // always there
    await expect(resume(runDir)).rejects.toThrow(/another process trains this run; got process 1/);
  });

  it("does not continue when its metrics were cut", async () => {
    const { runDir } = copy();
    truncateSync(join(runDir, "metrics.jsonl"), 10);
    await expect(resume(runDir)).rejects.toThrow(
      /metrics\.jsonl: is shorter than when the checkpoint was written/,
    );
  });
});
