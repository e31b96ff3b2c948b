/** Runs whose training triplets have wrong texts: stopped and resumed to the same bits, and never evaluated on them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openFashionIq } from "../../src/data/datasets/fashion-iq.js";
import { Random } from "../../src/engine/tensor/random.js";
import { ImageThread } from "../../src/images/image-thread.js";
import { resolveRunConfig } from "../../src/runs/run-config.js";
import { resumeTraining, type TrainEvent, train } from "../../src/training/train.js";
import { prepareTrainingData } from "../../src/training/training-data.js";
import { session, tinyCatalogue, tinyFields } from "./tiny-training.js";

const { folder, data } = tinyCatalogue();
const configOf = (mismatchedTriplets: number) =>
  resolveRunConfig({ file: { ...tinyFields, model: "sum", holdOut: 0.2, mismatchedTriplets } });
const parametersOf = (runDir: string) => readFileSync(join(runDir, "parameters.safetensors"));

async function stopAt(runDir: string, step: number, config = configOf(0.5)): Promise<readonly string[]> {
  const stop = new AbortController();
  const notes: string[] = [];
  const onEvent = (event: TrainEvent) => {
    if (event.kind === "note") notes.push(event.text);
    if (event.kind === "step" && event.step === step) stop.abort();
  };
  const dataset = openFashionIq(data);
  await train({ dataset, config, runDir, session, signal: stop.signal, checkpointMinutes: 0, onEvent });
  return notes;
}

it("trains on wrong texts, resumes on the same ones, and refuses another share", async () => {
  const [whole, stopped, right] = ["whole", "stopped", "right"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const dataset = openFashionIq(data);
  const notes = await stopAt(whole, Number.POSITIVE_INFINITY);
  expect(notes).toContainEqual(
    expect.stringMatching(/^2\d of \d\d training triplets have the text of another/),
  );
  await stopAt(stopped, 4);
  await expect(resumeTraining({ dataset, runDir: stopped, session, config: configOf(0.2) })).rejects.toThrow(
    /mismatchedTriplets: 0\.5 when it began, 0\.2 now/,
  );
  await resumeTraining({ dataset, runDir: stopped, session });
  expect(parametersOf(stopped).equals(parametersOf(whole))).toBe(true);
  await train({ dataset, config: configOf(0), runDir: right, session });
  expect(parametersOf(right).equals(parametersOf(whole))).toBe(false);
});

it("leaves held-out triplets, vocabulary and what is drawn otherwise as they are", async () => {
  const dataset = openFashionIq(data);
  const images = new ImageThread((id) => dataset.imagePath(id), {
    sizePx: 36,
    fit: "squash",
    kernel: "lanczos3",
    budgetBytes: 2 ** 20,
  });
  const prepared = (share: number) =>
    prepareTrainingData(dataset, images, {
      config: configOf(share).training,
      random: new Random(1).fork("hold-out"),
      signal: undefined,
      onEvent: () => undefined,
    });
  const [right, wrong] = [await prepared(0), await prepared(0.5)];
  await images.close();
  expect(wrong.parts.validation?.triplets).toEqual(right.parts.validation?.triplets);
  expect(right.parts.validation?.triplets.length).toBeGreaterThan(5);
  expect(wrong.vocabulary.words).toEqual(right.vocabulary.words);
  const pairs = ({ parts }: typeof right) =>
    parts.training.triplets.map(({ reference, target }) => [reference, target]);
  expect(pairs(wrong)).toEqual(pairs(right));
  expect(wrong.texts).not.toEqual(right.texts);
});
