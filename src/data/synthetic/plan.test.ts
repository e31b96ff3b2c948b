import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import {
  type Attribute,
  allAttributes,
  allCategories,
  changedAttributes,
  type Design,
  designKey,
} from "./attributes.js";
import { syntheticOptions } from "./options.js";
import { planCatalogue } from "./plan.js";

const plan = planCatalogue(syntheticOptions(), new Random(1));
const designOf = new Map(plan.items.map((item) => [item.id, item.design]));

/** The design of an id that must be in the plan. */
function design(id: string): Design {
  const found = designOf.get(id);
  if (!found) throw new Error(`no item ${id}`);
  return found;
}

describe("planCatalogue", () => {
  it("has the default numbers of pictures and triplets", () => {
    const count = (split: string): number => plan.items.filter((item) => item.split === split).length;
    expect([count("train"), count("val"), count("test")]).toEqual([9000, 3150, 900]);
    expect(plan.triplets.filter(({ split }) => split === "train")).toHaveLength(15_000);
    expect(new Set(plan.items.map(({ id }) => id)).size).toBe(plan.items.length);
    for (const { id } of plan.items) expect(id).toMatch(/^B[0-9A-Z]{9}$/);
  });

  it("keeps the designs of train, val and test apart, and val to one picture a design", () => {
    const keys = (split: string): string[] =>
      plan.items.filter((item) => item.split === split).map((item) => designKey(item.design));
    const [train, val, test] = [keys("train"), keys("val"), keys("test")];
    expect(new Set(val).size).toBe(val.length);
    expect(new Set([...train, ...val, ...test]).size).toBe(
      new Set(train).size + new Set(val).size + new Set(test).size,
    );
    expect(new Set(train).size).toBeLessThan(train.length); // some train designs have two pictures
  });

  it("makes triplets inside one category and split whose designs differ in one to three attributes", () => {
    const item = new Map(plan.items.map((entry) => [entry.id, entry]));
    for (const { category, split, referenceId, targetId } of plan.triplets) {
      for (const id of [referenceId, targetId]) {
        expect(item.get(id)?.split).toBe(split);
        expect(item.get(id)?.design.category).toBe(category);
      }
      const changes = changedAttributes(design(referenceId), design(targetId)).length;
      expect(changes >= 1 && changes <= 3).toBe(true);
    }
  });

  it("words every change of val in four ways, and those of train in one", () => {
    const key = (captions: readonly string[]) => captions.toSorted().join("\n");
    for (const { split, captions, paraphrases } of plan.triplets) {
      if (split === "val") expect(new Set([captions, ...paraphrases].map(key)).size).toBe(4);
      else expect(paraphrases).toEqual([]);
    }
  });

  it("says in every wording what changes: a new colour by one of its names, and no colour that stays", () => {
    const names: Readonly<Record<string, readonly string[]>> = {
      grey: ["grey", "gray"],
      teal: ["teal", "turquoise"],
      purple: ["purple", "violet"],
    };
    let seen = 0;
    for (const { referenceId, targetId, paraphrases } of plan.triplets) {
      const { colour } = design(targetId);
      if (!changedAttributes(design(referenceId), design(targetId)).includes("colour")) continue;
      for (const wording of paraphrases) {
        const words = wording.join(" ").split(/\W+/);
        expect(
          (names[colour] ?? [colour]).some((name) => words.includes(name)),
          wording.join(" / "),
        ).toBe(true);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });

  it("trains every kind of change that val asks for, about as often", () => {
    for (const category of allCategories) {
      const changes = (split: string): Attribute[][] =>
        plan.triplets
          .filter((triplet) => triplet.category === category && triplet.split === split)
          .map(({ referenceId, targetId }) => changedAttributes(design(referenceId), design(targetId)));
      const [train, val] = [changes("train"), changes("val")];
      const share = (attribute: Attribute, queries: Attribute[][]): number =>
        queries.filter((changed) => changed.includes(attribute)).length / queries.length;
      for (const attribute of allAttributes.filter((name) => share(name, val) > 0.03)) {
        expect(share(attribute, train), `${category} ${attribute}`).toBeGreaterThan(
          share(attribute, val) / 3,
        );
      }
    }
  });

  it("gives the same plan for the same seed and another for another", () => {
    const small = { itemsPerCategory: 20, triplets: 60 };
    expect(planCatalogue(small, new Random(4))).toEqual(planCatalogue(small, new Random(4)));
    expect(planCatalogue(small, new Random(4))).not.toEqual(planCatalogue(small, new Random(5)));
  });
});

/**
 * Chance that the target is among the first ten when the gallery is sorted by `score` (lowest first) and ties fall
 * at random.
 */
function recallAt10(
  gallery: readonly string[],
  targetId: string,
  score: (candidate: Design) => number,
): number {
  const own = score(design(targetId));
  let before = 0;
  let level = 0;
  for (const id of gallery) {
    const value = score(design(id));
    if (value < own) before += 1;
    else if (value === own) level += 1;
  }
  return Math.min(1, Math.max(0, 10 - before) / level);
}

/** Number of the attributes in which `a` and `b` differ; a mentioned pattern includes its colour. */
function mismatches(a: Design, b: Design, mentioned: readonly Attribute[]): number {
  const names = mentioned.includes("pattern") ? [...mentioned, "patternColour" as const] : mentioned;
  return names.filter((attribute) => a[attribute] !== b[attribute]).length;
}

describe.each(allCategories)("the val-split gallery of %s", (category) => {
  const queries = plan.triplets.filter((triplet) => triplet.split === "val" && triplet.category === category);
  const gallery = [...new Set(queries.flatMap(({ referenceId, targetId }) => [referenceId, targetId]))];

  /** Mean recall over the queries, in percent; the reference is not in the ranking. */
  function recall(score: (reference: Design, target: Design) => (candidate: Design) => number): number {
    const hits = queries.map(({ referenceId, targetId }) =>
      recallAt10(
        gallery.filter((id) => id !== referenceId),
        targetId,
        score(design(referenceId), design(targetId)),
      ),
    );
    return (100 * hits.reduce((sum, hit) => sum + hit, 0)) / hits.length;
  }

  it("holds every val picture, at least 1,000", () => {
    expect(gallery.length).toBeGreaterThanOrEqual(1000);
    const all = plan.items.filter((item) => item.split === "val" && item.design.category === category);
    expect(gallery).toHaveLength(all.length);
  });

  it("defeats a perfect eye that does not read: Recall@10 below 20", () => {
    expect(recall((reference) => (candidate) => changedAttributes(reference, candidate).length)).toBeLessThan(
      20,
    );
  });

  it("defeats a perfect reader that does not look: Recall@10 below 20", () => {
    const byText = (reference: Design, target: Design): ((candidate: Design) => number) => {
      const mentioned = changedAttributes(reference, target);
      return (candidate) => mismatches(candidate, target, mentioned);
    };
    expect(recall(byText)).toBeLessThan(20);
  });

  it("is solved by reading and looking together", () => {
    const composed = (reference: Design, target: Design): ((candidate: Design) => number) => {
      // The wanted design, from the reference and the values that the text names.
      const mentioned = changedAttributes(reference, target);
      const named = mentioned.includes("pattern") ? [...mentioned, "patternColour" as const] : mentioned;
      const wanted = {
        ...reference,
        ...Object.fromEntries(named.map((attribute) => [attribute, target[attribute]])),
      };
      return (candidate) => changedAttributes(wanted, candidate).length;
    };
    expect(recall(composed)).toBe(100);
  });
});
