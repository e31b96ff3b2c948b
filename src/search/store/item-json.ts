/** Items as JSON, for files that keep them. */
import { z } from "zod";
import type { StoredItem } from "./vector-store.js";

export const itemJsonSchema = z.object({
  id: z.string(),
  hash: z.string(),
  category: z.string(),
  price: z.number().nullable(),
  tags: z.array(z.string()),
  details: z.string(),
  /** Little-endian float32, base64. */
  vector: z.string(),
});

export type ItemJson = z.infer<typeof itemJsonSchema>;

export function itemToJson({ vector, price, ...rest }: StoredItem) {
  return {
    ...rest,
    price: price ?? null,
    vector: Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString("base64"),
  };
}

export function itemFromJson({ vector, price, ...rest }: ItemJson): StoredItem {
  return {
    ...rest,
    price: price ?? undefined,
    vector: new Float32Array(Uint8Array.from(Buffer.from(vector, "base64")).buffer),
  };
}
