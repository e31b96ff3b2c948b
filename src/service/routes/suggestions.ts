/** `GET /v1/suggestions`: frequent modification phrases, for whoever types one. */
import { z } from "zod";
import { serviceLimits, suggestionsSchema } from "../api.js";
import type { ServiceApp } from "../service-app.js";
import type { ServiceParts } from "../service-parts.js";

/** A parameter's digits as a number; what is none is left as it is, to be refused. */
const wholeNumber = (given: unknown): unknown =>
  typeof given === "string" && /^-?\d+$/.test(given) ? Number(given) : given;

const querySchema = z.object({
  prefix: z
    .string()
    .max(serviceLimits.nameCharacters)
    .default("")
    .describe("What was typed; phrases that begin with it come before those that have a word which does"),
  limit: z.preprocess(wholeNumber, z.int().min(1).max(50).default(8)),
});

export function suggestionsRoute(app: ServiceApp, { catalogue: { encoder } }: ServiceParts): void {
  const phrases = encoder.phrases ?? [];

  app.get(
    "/v1/suggestions",
    {
      config: { access: "read" },
      schema: {
        operationId: "getSuggestions",
        tags: ["search"],
        summary: "Modification phrases of the training texts, frequent ones first",
        querystring: querySchema,
        response: { 200: suggestionsSchema },
      },
    },
    async ({ query: { prefix, limit } }) => ({ suggestions: matching(phrases, prefix).slice(0, limit) }),
  );
}

/** Phrases in their order: those that begin with what was typed, then those that have a word which does. */
export function matching(phrases: readonly string[], typed: string): readonly string[] {
  const start = typed.toLowerCase().trimStart();
  const inside = ` ${start}`;
  const lower = (phrase: string) => phrase.toLowerCase();
  const first = phrases.filter((phrase) => lower(phrase).startsWith(start));
  const second = phrases.filter(
    (phrase) => !lower(phrase).startsWith(start) && lower(phrase).includes(inside),
  );
  return [...first, ...second];
}
