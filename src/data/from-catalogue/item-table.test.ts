import { describe, expect, it } from "vitest";
import type { CatalogueItem } from "../../catalogue/catalogue-item.js";
import { DatasetError } from "../../errors.js";
import { tableOf } from "./item-table.js";

function item(id: string, attributes: Record<string, readonly string[]>, path = `${id}.jpg`): CatalogueItem {
  return {
    id,
    image: { kind: "file", path },
    category: "dress",
    title: undefined,
    price: undefined,
    attributes: new Map(Object.entries(attributes)),
    row: 2,
  };
}

async function* given(...items: CatalogueItem[]): AsyncGenerator<CatalogueItem> {
  yield* items;
}

describe("tableOf", () => {
  it("gives equal codes to values that mean the same, and 0 to unknown ones", async () => {
    const table = await tableOf(
      given(
        item("A", { colour: ["Red "], fit: ["loose"], other: ["x"] }),
        item("B", { colour: ["red", "Blue"] }),
        item("C", { colour: ["blue", "red"], fit: ["very  loose"] }),
        item("D", { colour: ["red"], fit: ["very loose"] }),
      ),
      ["fit", "colour"],
      "c.csv",
    );
    expect(table.values).toEqual([
      ["", "loose", "very loose"],
      ["", "red", "blue|red"],
    ]);
    expect([...table.codes]).toEqual([1, 1, 0, 2, 2, 2, 2, 1]);
  });

  it("keeps the first of the rows that share a picture", async () => {
    const items = given(
      item("A", { size: ["S"] }, "x.jpg"),
      item("B", { size: ["M"] }, "x.jpg"),
      item("C", {}),
    );
    const table = await tableOf(items, ["size"], "c.csv");
    expect(table.items.map(({ id }) => id)).toEqual(["A", "C"]);
    expect(table.repeatedPictures).toBe(1);
    expect(table.codes).toHaveLength(2);
  });

  it("names the attributes that no item has, and those there are", async () => {
    const wrong = tableOf(
      given(item("A", { colour: ["red"], fit: ["x"] })),
      ["color", "fit", "price"],
      "c.csv",
    );
    await expect(wrong).rejects.toBeInstanceOf(DatasetError);
    await expect(wrong).rejects.toThrow(
      "c.csv: no item has a value of these attributes (id, image, category, title, price are not attributes); " +
        "got color, price; attributes of this catalogue: colour, fit",
    );
  });
});
