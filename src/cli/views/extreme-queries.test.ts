import { describe, expect, it } from "vitest";
import type { CategoryTask } from "../../evaluation/category-task.js";
import { targetRanks, unranked } from "../../evaluation/recall.js";
import { extremeQueries } from "./extreme-queries.js";

/** Queries and gallery are angles on a circle, in degrees: the nearest angle ranks first. */
function category(
  name: string,
  queries: readonly (readonly [angle: number, target: number])[],
): CategoryTask {
  const gallery = [0, 10, 20, 30, 40];
  const points = (angles: readonly number[]) =>
    Float32Array.from(angles.flatMap((angle) => [Math.cos(angle / 57.3), Math.sin(angle / 57.3)]));
  const task = {
    queries: points(queries.map(([angle]) => angle)),
    gallery: points(gallery),
    embedDim: 2,
    hits: queries.map(([, target]) => [target]),
    masked: queries.map(() => []),
  };
  return {
    category: name,
    galleryIds: gallery.map((angle) => `${name}${angle}`),
    asked: queries.map(([angle, target]) => ({
      triplet: { reference: "R", captions: [], category: name, target: `${name}${(target ?? 0) * 10}` },
      text: `at ${angle}`,
      paraphrases: [],
    })),
    task,
    ranks: targetRanks(task),
  };
}

describe("extremeQueries", () => {
  const dress = category("dress", [
    [0, 4], // rank 5
    [20, 2], // rank 1, exactly there
    [24, 2], // rank 1, nearly as close to 30
    [10, 3], // rank 4
  ]);
  const shirt = category("shirt", [[40, 3]]); // rank 2

  it("has the highest ranks and the widest leads, in turn from each category", () => {
    const { worst, best } = extremeQueries([dress, shirt], { count: 3, shown: 2 });
    expect(worst.map(({ text, rank, gallerySize }) => [text, rank, gallerySize])).toEqual([
      ["at 0", 5, 5],
      ["at 40", 2, 5],
      ["at 10", 4, 5],
    ]);
    expect(best.map(({ text, rank }) => [text, rank])).toEqual([
      ["at 20", 1],
      ["at 24", 1],
    ]);
    expect(best[0]?.hits.map(({ id }) => id)).toHaveLength(2);
    expect(best[0]?.hits[0]).toMatchObject({ id: "dress20", score: expect.closeTo(1, 5) });
  });

  it("leaves queries out that nothing can answer", () => {
    const { worst } = extremeQueries([{ ...shirt, ranks: [unranked] }], { count: 3, shown: 2 });
    expect(worst).toEqual([]);
  });
});
