/** A model that scores pairs, behind a service: answers say how many items were scored, and only its answers do. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Value } from "../../src/engine/graph/value.js";
import { add } from "../../src/engine/ops/arithmetic.js";
import { square } from "../../src/engine/ops/elementwise.js";
import { matmul } from "../../src/engine/ops/matmul.js";
import { transposeLast } from "../../src/engine/ops/shape.js";
import { type Composition, CompositionModel, type PairScoring } from "../../src/models/composition-model.js";
import type { ImageFeatures } from "../../src/models/image-encoder.js";
import { defineModel } from "../../src/models/model-definition.js";
import { registerModel } from "../../src/models/registry.js";
import type { TextFeatures } from "../../src/models/text-encoder.js";
import { searchResponseSchema } from "../../src/service/api.js";
import { untrainedRun } from "../bundle/untrained-run.js";
import { makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

const candidates = 4;

/** A pair's score is the square of sentence · picture: the best of a search are ordered anew by it. */
class SquaredPairs extends CompositionModel {
  compose({ embedding }: ImageFeatures, { sentence }: TextFeatures): Composition {
    return { q: add(embedding, sentence), pairRow: sentence };
  }

  override get pairScoring(): PairScoring {
    return {
      candidates,
      score: (queries: Value, gallery: Value) => square(matmul(queries, transposeLast(gallery))),
    };
  }
}

registerModel(defineModel({ name: "squared-pairs", modelClass: SquaredPairs }), {
  path: "squared-pairs",
  sha256: "",
});

let place: SmallIndex;
let service: Running;
let plainPlace: SmallIndex;
let plain: Running;
beforeAll(async () => {
  place = await makeSmallIndex({ run: untrainedRun({ model: "squared-pairs" }) });
  service = await start({ index: place.index });
  plainPlace = await makeSmallIndex();
  plain = await start({ index: plainPlace.index });
});
afterAll(async () => {
  await service?.close();
  await plain?.close();
  place?.remove();
  plainPlace?.remove();
});

/** The answer as it came, and as it is described. */
async function search(asked: Running, body: unknown) {
  const response = await asked.search(body);
  const content: unknown = await response.json();
  expect(response.status, JSON.stringify(content)).toBe(200);
  return { content, answer: searchResponseSchema.parse(content) };
}

describe("an answer of a model that scores pairs", () => {
  const queries = [{ reference: { id: "A1" }, text: "is red" }];

  it("says how many items were scored: the best of a search, or all that fit", async () => {
    const { answer } = await search(service, { queries, limit: 3 });
    expect(answer.scoredPairs).toBe(candidates);
    expect(answer.items).toHaveLength(3);
    expect((await search(service, { queries, limit: 3, exact: true })).answer).toMatchObject({
      scoredPairs: 11,
      fitting: 11,
    });
    // A page that reaches further than the candidates has all of its items scored.
    expect((await search(service, { queries, limit: 3, offset: 4 })).answer.scoredPairs).toBe(7);
    const dresses = [{ kind: "category", anyOf: ["dress"] }];
    const filtered = await search(service, { queries, filter: dresses, exact: true });
    expect(filtered.answer.scoredPairs).toBe(5);
  });

  it("has scores that are no cosines, best first", async () => {
    const { answer } = await search(service, { queries, exact: true });
    const scores = answer.items.map(({ score }) => score ?? -1);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(Math.min(...scores)).toBeGreaterThanOrEqual(0);
  });

  it("says nothing of pairs where none was scored", async () => {
    // A picture alone and a list have no text; another model has no pairs at all.
    const answers = [
      await search(service, { queries: [{ reference: { id: "A1" } }] }),
      await search(service, { limit: 2 }),
      await search(plain, { queries }),
    ];
    for (const { content } of answers) expect(content).not.toHaveProperty("scoredPairs");
  });

  it("is described in the OpenAPI document, as a field that need not be there", async () => {
    const described = z
      .object({
        components: z.object({
          schemas: z.object({
            SearchResponse: z.object({
              properties: z.object({
                scoredPairs: z.object({ type: z.literal("integer"), description: z.string() }),
              }),
              required: z.array(z.string()),
            }),
          }),
        }),
      })
      .parse(await (await service.get("/openapi.json")).json());
    const { properties, required } = described.components.schemas.SearchResponse;
    expect(properties.scoredPairs.description).toMatch(/scored by the model/);
    expect(required).not.toContain("scoredPairs");
  });
});
