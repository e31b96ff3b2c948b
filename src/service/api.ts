/** What the service takes and gives over HTTP: one place that checks, types and documents it (OpenAPI is made of it). */
import { z } from "zod";
import {
  attributeNameSchema,
  attributeValuesSchema,
  categorySchema,
  itemLimits,
  priceSchema,
  titleSchema,
} from "../catalogue/item-schema.js";
import { isWellFormed, normalText } from "../catalogue/normal-text.js";
import { searchLimits } from "../search/index/catalogue-search.js";
import { contentsSchema } from "../search/index/contents.js";

/** Bounds that the service keeps whatever it is told. */
export const serviceLimits = {
  /** Answers of one search. */
  limit: 200,
  offset: searchLimits.offset,
  queries: searchLimits.queries,
  textCharacters: searchLimits.textCharacters,
  /** One picture's file. */
  pictureBytes: 20 * 2 ** 20,
  /** Larger pictures are refused before they are decoded. */
  picturePixels: 50e6,
  /** All pictures of one request. */
  formBytes: 32 * 2 ** 20,
  /** JSON bodies, and the JSON part of a form. */
  jsonBytes: 256 * 2 ** 10,
  conditions: 32,
  /** Values of one condition. */
  values: 100,
  /** Characters of an id, a category, a name or a value in a request. */
  nameCharacters: itemLimits.filterCharacters,
} as const;

const halfCharacters = "must have no half characters (surrogates without their other half)";

/** Ids, categories, names and values in requests, in the form in which a catalogue has them. */
export const nameSchema = z
  .string()
  .overwrite(normalText)
  .min(1)
  .max(serviceLimits.nameCharacters)
  .refine(isWellFormed, halfCharacters);
const anyOf = z.array(nameSchema).min(1).max(serviceLimits.values);
const not = z.boolean().optional().describe("true: the items that do not fit the condition");

export const conditionSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("id"), anyOf, not }),
    z.strictObject({ kind: z.literal("category"), anyOf, not }),
    z
      .strictObject({ kind: z.literal("price"), min: z.number().optional(), max: z.number().optional(), not })
      .refine(({ min, max }) => min !== undefined || max !== undefined, "needs min or max"),
    z.strictObject({ kind: z.literal("attribute"), name: nameSchema, anyOf, not }),
  ])
  .describe("Condition on an item; what the catalogue does not say never fits");

/** Whole requests of `POST /v1/search`; in a form, the part `request`. */
export const searchRequestSchema = z.strictObject({
  queries: z
    .array(
      z.strictObject({
        reference: z
          .union([
            z.strictObject({ id: nameSchema }).describe("An item of the catalogue"),
            z
              .strictObject({ upload: z.string().min(1).max(serviceLimits.nameCharacters) })
              .describe("The form's picture of this name"),
          ])
          .optional(),
        text: z
          .string()
          .max(serviceLimits.textCharacters)
          .refine(isWellFormed, halfCharacters)
          .optional()
          .describe("What should be different; without a reference, what is wanted"),
        weight: z
          .number()
          .optional()
          .describe("How much it counts beside the others; negative for away from it"),
      }),
    )
    .max(serviceLimits.queries)
    .default([])
    .describe("Without any, the items that fit the filter are listed, in a fixed order and without scores"),
  filter: z.array(conditionSchema).max(serviceLimits.conditions).default([]).describe("All of them must fit"),
  limit: z.int().min(1).max(serviceLimits.limit).default(24),
  offset: z.int().min(0).max(serviceLimits.offset).default(0),
  includeReferences: z.boolean().default(false).describe("May the answers have the references themselves?"),
  exact: z.boolean().default(false).describe("Compare every item, whatever it costs"),
  attention: z.boolean().default(false).describe("Also say where words attend in the reference picture"),
});

export const itemSchema = z.object({
  id: z.string(),
  category: z.string(),
  title: z.string().optional(),
  price: z.number().optional(),
  attributes: z.record(z.string(), z.array(z.string())),
  /** Addresses on this service. */
  pictureUrl: z.string(),
  thumbnailUrl: z.string().describe("WebP of at most 320 px; the address changes with the picture"),
});

export const searchResponseSchema = z.object({
  items: z.array(
    z.object({
      rank: z.int().describe("From 1, over all pages"),
      score: z
        .number()
        .nullable()
        .describe("Cosine of query and item, -1 to 1; null in a list without queries"),
      item: itemSchema,
    }),
  ),
  fitting: z.int().describe("Items that fit the filter, references that are left out not counted"),
  damaged: z
    .int()
    .describe(
      "Items of this page that are left out because the index has them damaged; the operator's log names them",
    ),
  plan: z.enum(["list", "exact", "all partitions", "some partitions"]),
  modules: z.array(z.string()).describe("Operation modules in the order of the route weights"),
  queries: z.array(
    z.object({
      routes: z
        .array(z.array(z.array(z.number())))
        .describe("[layer][module][destination]; empty without routers or without a text"),
      unknownWords: z.array(z.string()),
      attention: z
        .object({
          words: z.array(z.string()),
          rows: z.int(),
          columns: z.int(),
          weights: z
            .array(z.array(z.number()))
            .describe("[word][region], regions row by row over the picture's middle square"),
        })
        .optional(),
    }),
  ),
  timesMs: z.object({ encode: z.number(), search: z.number(), total: z.number() }),
});

/** What `PUT /v1/items/{id}` takes beside the picture: the form's part `item`. */
export const itemWriteSchema = z.strictObject({
  category: categorySchema,
  title: titleSchema.optional(),
  price: priceSchema.optional(),
  attributes: z.record(attributeNameSchema, attributeValuesSchema).default({}),
});

export const catalogueSchema = z.object({
  model: z.object({
    name: z.string(),
    id: z.string(),
    embedDim: z.int(),
    modules: z.array(z.string()),
  }),
  contents: contentsSchema,
  updated: z.string(),
  writable: z.boolean(),
  limits: z.record(z.string(), z.number()),
});

export const suggestionsSchema = z.object({ suggestions: z.array(z.string()) });

/** Every answer that is not a success. */
export const errorSchema = z.object({
  error: z.object({
    code: z.string().describe("Stable, for programs"),
    message: z.string().describe("What is wrong, and the next step"),
    requestId: z.string(),
  }),
});

export type SearchRequest = z.input<typeof searchRequestSchema>;
export type SearchResponse = z.output<typeof searchResponseSchema>;
export type Item = z.output<typeof itemSchema>;
export type ItemWrite = z.input<typeof itemWriteSchema>;
export type CatalogueInfo = z.output<typeof catalogueSchema>;
export type Condition = z.output<typeof conditionSchema>;
export type ApiError = z.output<typeof errorSchema>;
