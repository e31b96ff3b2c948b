import { describe, expect, it } from "vitest";
import { searchFormRequestSchema } from "../../../src/service/api.js";
import { requestOf } from "./requests.js";
import { startState } from "./search-state.js";

const page = { offset: 0, limit: 24 };

describe("requestOf", () => {
  it("gives what the service takes, for every kind of search", () => {
    const filters = { categories: ["dress"], minPrice: 10, attributes: { colour: ["red"] } };
    const steps = [
      { text: "" },
      { text: "is red" },
      { reference: { kind: "item", id: "A" }, text: "" },
      { reference: { kind: "item", id: "A" }, text: "is red" },
      { reference: { kind: "upload", key: "k" }, text: "is red" },
    ] as const;
    const requests = steps.map((step) => requestOf({ ...startState, step, filters }, page));
    for (const request of requests) expect(() => searchFormRequestSchema.parse(request)).not.toThrow();
    expect(requests.map(({ queries }) => queries)).toEqual([
      [],
      [{ text: "is red" }],
      [{ reference: { id: "A" } }],
      [{ reference: { id: "A" }, text: "is red" }],
      [{ reference: { upload: "picture" }, text: "is red" }],
    ]);
    expect(requests.map(({ attention }) => attention)).toEqual([false, false, false, true, true]);
    expect(requests[0]?.filter).toEqual([
      { kind: "attribute", name: "colour", anyOf: ["red"] },
      { kind: "category", anyOf: ["dress"] },
      { kind: "price", min: 10 },
    ]);
  });
});
