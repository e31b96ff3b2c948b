import { expect, it } from "vitest";
import { type RetrievalDataset, splitNames } from "../../data/triplet.js";
import { kindsOfChange } from "./kinds-of-change.js";

it("takes words that tell texts apart where no attributes are known: not short, not rare, not in nearly all", async () => {
  const texts = [
    ...Array.from({ length: 20 }, (_, i) => `this dress is ${i % 2 === 0 ? "green" : "longer and green"}`),
    ...Array.from({ length: 20 }, (_, i) => `this dress has ${i === 0 ? "sequins" : "sleeves"}`),
  ];
  const asked = texts.map((text) => ({
    text,
    paraphrases: [],
    triplet: { reference: "a", target: "b", captions: [text], category: "dress" },
  }));
  const dataset = { root: "/nowhere", splits: splitNames } as unknown as RetrievalDataset;
  const { from, kinds } = await kindsOfChange(dataset, asked);
  expect(from).toBe("words");
  expect(kinds[0]).toEqual(["green"]);
  expect(kinds[1]).toEqual(["longer", "green"]);
  expect(kinds[20]).toEqual([]); // "sequins" stands in one text of forty
  expect(kinds[21]).toEqual(["sleeves"]);
});
