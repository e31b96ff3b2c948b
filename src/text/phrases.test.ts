import { describe, expect, it } from "vitest";
import { frequentPhrases, phraseLimits } from "./phrases.js";

describe("frequentPhrases", () => {
  it("counts captions and their parts, most frequent first, then by spelling", () => {
    expect(
      frequentPhrases(["is red and has Long  Sleeves", "is red", "has long sleeves, is blue", "is red."]),
    ).toEqual([
      "is red",
      "has long sleeves",
      "has long sleeves, is blue",
      "is blue",
      "is red and has long sleeves",
    ]);
  });

  it("keeps what was said twice only, once there is enough of it", () => {
    const wishes = Array.from({ length: 20 }, (_, i) => `has ${i} buttons`);
    const captions = wishes.map((wish, i) => `${wish} and ${wishes[(i + 1) % 20]}`);
    expect(frequentPhrases(captions)).toEqual([...wishes].sort());
    expect(frequentPhrases(captions.slice(1))).toHaveLength(20 + 19); // two wishes are said once: too few are left
  });

  it("leaves out what surrounds a wish, control characters, and what is too long or nothing", () => {
    expect(
      frequentPhrases([" - and is\u0000red, ;but\thas a 'V' neck!", "", " . ", "x", "is 50%", "no (belt)"]),
    ).toEqual(["has a 'v' neck", "is 50%", "is red", "is red, ;but has a 'v' neck", "no (belt)"]);
    const long = "long ".repeat(20);
    expect(frequentPhrases([`${long}and is red`])).toEqual(["is red"]);
  });

  it("is bounded", () => {
    const many = Array.from({ length: 2000 }, (_, i) => [`wish ${i}`, `wish ${i}`]).flat();
    expect(frequentPhrases(many)).toHaveLength(phraseLimits.count);
    expect(frequentPhrases([])).toEqual([]);
  });

  it("is quick whatever a caption is", () => {
    const startMs = performance.now();
    for (const part of [" and", "and ", ",", ". ", "-", " "]) frequentPhrases([`a${part.repeat(300_000)}b`]);
    expect(performance.now() - startMs).toBeLessThan(2000);
  });
});
