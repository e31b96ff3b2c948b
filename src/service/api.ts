/** What the service takes and gives over HTTP: one place that checks, types and documents it (OpenAPI is made of it). */
import { z } from "zod";
import {
  attributeNameSchema,
  attributeValuesSchema,
  categorySchema,
  emptyRule,
  itemLimits,
  priceSchema,
  textSchema,
  titleSchema,
  wellFormedSchema,
} from "../catalogue/item-schema.js";
import { characters, notEmpty, upToCharacters } from "../catalogue/text-patterns.js";
import { contentsSchema } from "../search/index/catalogue-contents.js";
import { searchLimits } from "../search/index/catalogue-search.js";

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

/** Ids, categories, names and values in requests, in the form in which a catalogue has them. */
export const nameSchema = textSchema
  .regex(notEmpty, emptyRule)
  .regex(
    upToCharacters(serviceLimits.nameCharacters, characters.any),
    `must have at most ${serviceLimits.nameCharacters} characters`,
  );
const anyOf = z.array(nameSchema).min(1).max(serviceLimits.values);

/** In JSON Schema's words: an object without the property must fit the rest. */
const unless = (property: string, rest: object) => ({ if: { required: [property] }, else: rest });

const not = z.boolean().optional().describe("true: the items that do not fit the condition");

export const conditionSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("id"), anyOf, not }),
    z.strictObject({ kind: z.literal("category"), anyOf, not }),
    z
      .strictObject({ kind: z.literal("price"), min: z.number().optional(), max: z.number().optional(), not })
      .refine(({ min, max }) => min !== undefined || max !== undefined, "needs min or max")
      .meta(unless("min", { required: ["max"] })),
    z.strictObject({ kind: z.literal("attribute"), name: nameSchema, anyOf, not }),
  ])
  .meta({
    id: "Condition",
    description: "Condition on an item; what the catalogue does not say never fits",
  });

/** A picture of the form, by its part. Other names do not come through every form as they are. */
const uploadSchema = z
  .string()
  .regex(
    /^(?!(?:request|constructor|hasOwnProperty|isPrototypeOf|propertyIsEnumerable|toLocaleString|toString|valueOf)$)[A-Za-z0-9][A-Za-z0-9_.-]{0,255}$/u,
    "must be 1 to 256 letters, digits, dots, hyphens and underscores, and no word of JavaScript's objects",
  );

const itemReference = z.strictObject({ id: nameSchema }).describe("An item of the catalogue");
const anyReference = z.union([
  itemReference,
  z.strictObject({ upload: uploadSchema }).describe("The form's picture of this name"),
]);

/** Something that makes a token: more than white space and control characters. */
const hasWord = /[^\s\p{C}]/u;

/** A query, by what its reference may be. */
function queryOf<Reference extends z.ZodType>(reference: Reference) {
  return z
    .strictObject({
      reference: reference.optional(),
      text: wellFormedSchema
        .max(serviceLimits.textCharacters)
        .optional()
        .describe("What should be different; without a reference, what is wanted"),
      weight: z
        .number()
        .refine((weight) => weight !== 0, "must not be 0")
        .meta({ not: { const: 0 } })
        .optional()
        .describe("How much it counts beside the others; negative for away from it"),
    })
    .refine(
      (query) => query.reference !== undefined || hasWord.test(query.text ?? ""),
      "needs a reference or a text",
    )
    .meta(unless("reference", { required: ["text"], properties: { text: { pattern: hasWord.source } } }));
}

function requestOf<Query extends z.ZodType>(query: Query) {
  return z.strictObject({
    queries: z
      .array(query)
      .max(serviceLimits.queries)
      .default([])
      .describe("Without any, the items that fit the filter are listed, in a fixed order and without scores"),
    filter: z
      .array(conditionSchema)
      .max(serviceLimits.conditions)
      .default([])
      .describe("All of them must fit; they have at most 1000 conditions and values together"),
    limit: z.int().min(1).max(serviceLimits.limit).default(24),
    offset: z.int().min(0).max(serviceLimits.offset).default(0),
    includeReferences: z.boolean().default(false).describe("May the answers have the references themselves?"),
    exact: z.boolean().default(false).describe("Compare every item, whatever it costs"),
    attention: z.boolean().default(false).describe("Also say where words attend in the reference picture"),
  });
}

/** `POST /v1/search` with a JSON body. */
export const searchRequestSchema = requestOf(queryOf(itemReference)).meta({ id: "SearchRequest" });
/** The part `request` of a form, whose pictures may be references too. */
export const searchFormRequestSchema = requestOf(queryOf(anyReference)).meta({ id: "SearchFormRequest" });

export const itemSchema = z
  .object({
    id: z.string(),
    category: z.string(),
    title: z.string().optional(),
    price: z.number().optional(),
    attributes: z.record(z.string(), z.array(z.string())),
    /** Addresses on this service. */
    pictureUrl: z.string(),
    thumbnailUrl: z.string().describe("WebP of at most 320 px; the address changes with the picture"),
  })
  .meta({ id: "Item" });

export const searchResponseSchema = z
  .object({
    items: z.array(
      z.object({
        rank: z.int().describe("From 1, over all pages"),
        score: z
          .number()
          .nullable()
          .describe(
            "Cosine of query and item, -1 to 1, or the model's own score where pairs are scored (`scoredPairs`); null in a list without queries",
          ),
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
    scoredPairs: z
      .int()
      .optional()
      .describe(
        "Items whose pair with the query was scored by the model; only where the model scores pairs and a query has a text",
      ),
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
  })
  .meta({ id: "SearchResponse" });

/** What `PUT /v1/items/{id}` takes beside the picture: the form's part `item`. */
export const itemWriteSchema = z
  .strictObject({
    category: categorySchema,
    title: titleSchema.optional(),
    price: priceSchema.optional(),
    attributes: z.record(attributeNameSchema, attributeValuesSchema).default({}),
  })
  .meta({ id: "ItemWrite" });

export const catalogueSchema = z
  .object({
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
  })
  .meta({ id: "Catalogue" });

export const suggestionsSchema = z.object({ suggestions: z.array(z.string()) }).meta({ id: "Suggestions" });

export const stateSchema = z
  .object({ status: z.string(), reason: z.string().optional() })
  .meta({ id: "State" });

const slotsSchema = z.object({ taken: z.int(), free: z.int() });
export const readinessSchema = stateSchema
  .extend({
    slots: z.object({
      queries: slotsSchema.describe("Queries and pictures that wait for the model or are with it"),
      uploadBytes: slotsSchema.describe("Bytes of pictures in memory"),
      bodies: z.object({ waiting: z.int() }).describe("Requests whose body is still to come"),
    }),
  })
  .meta({ id: "Readiness" });

/** Every answer that is not a success. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().describe("Stable, for programs"),
      message: z.string().describe("What is wrong, and the next step"),
      requestId: z.string(),
    }),
  })
  .meta({ id: "Error" });

/** With or without pictures of one's own. */
export type SearchRequest = z.input<typeof searchFormRequestSchema>;
export type SearchResponse = z.output<typeof searchResponseSchema>;
export type Item = z.output<typeof itemSchema>;
export type ItemWrite = z.input<typeof itemWriteSchema>;
export type CatalogueInfo = z.output<typeof catalogueSchema>;
export type Condition = z.output<typeof conditionSchema>;
export type ApiError = z.output<typeof errorSchema>;
