/** Items as Arrow tables, and rows of answers as items. */
import {
  Field,
  FixedSizeList,
  Float32,
  Float64,
  List,
  makeData,
  makeVector,
  Schema,
  Table,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import type { StoredItem, StoredSummary } from "./vector-store.js";

const tagsType = new List(new Field("item", new Utf8(), true));
const vectorType = (embedDim: number) => new FixedSizeList(embedDim, new Field("item", new Float32(), true));

/** Columns of the table. */
export function itemSchema(embedDim: number): Schema {
  return new Schema([
    new Field("id", new Utf8(), false),
    new Field("hash", new Utf8(), false),
    new Field("category", new Utf8(), false),
    new Field("price", new Float64(), true),
    new Field("tags", tagsType, false),
    new Field("details", new Utf8(), false),
    new Field("vector", vectorType(embedDim), false),
  ]);
}

/** At least one item, vectors [D]. */
export function itemTable(items: readonly StoredItem[], embedDim: number): Table {
  const flat = new Float32Array(items.length * embedDim);
  for (const [row, { vector }] of items.entries()) flat.set(vector, row * embedDim);
  const vectors = makeVector(
    makeData({
      type: vectorType(embedDim),
      length: items.length,
      nullCount: 0,
      child: makeData({ type: new Float32(), length: flat.length, nullCount: 0, data: flat }),
    }),
  );
  const texts = (read: (item: StoredItem) => string) => vectorFromArray(items.map(read), new Utf8());
  const columns: Record<string, Vector> = {
    id: texts(({ id }) => id),
    hash: texts(({ hash }) => hash),
    category: texts(({ category }) => category),
    price: vectorFromArray(
      items.map(({ price }) => price ?? null),
      new Float64(),
    ),
    tags: vectorFromArray(
      items.map(({ tags }) => [...tags]),
      tagsType,
    ),
    details: texts(({ details }) => details),
    vector: vectors,
  };
  return new Table(itemSchema(embedDim), columns);
}

/** A row with all columns. */
export interface ItemRow {
  readonly id: string;
  readonly hash: string;
  readonly category: string;
  readonly price: number | null;
  readonly tags: Vector<Utf8>;
  readonly details: string;
  readonly vector: Vector<Float32>;
}

export function itemOf({ id, hash, category, price, tags, details, vector }: ItemRow): StoredItem {
  return {
    id,
    hash,
    category,
    price: price ?? undefined,
    tags: [...tags].map(String),
    details,
    vector: new Float32Array(vector.toArray()), // a copy: the page that it lies in may go
  };
}

export const itemColumns = ["id", "hash", "category", "price", "tags", "details", "vector"] as const;
export const vectorColumns = ["id", "vector"] as const;
export const summaryColumns = ["id", "hash", "details"] as const;

/** @param row with `summaryColumns`. */
export function summaryOf({ id, hash, details }: StoredSummary): StoredSummary {
  return { id, hash, details };
}
