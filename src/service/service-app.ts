/** The service's Fastify instance, and what its routes say of themselves. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { z } from "zod";
import type { CommonStatus } from "./common-answers.js";

export type ServiceApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Bodies that a route reads. */
export interface Takes {
  readonly json?: z.ZodType;
  readonly form?: {
    readonly description: string;
    /** The part that is JSON, and what it may be. */
    readonly jsonPart: string;
    readonly json: z.ZodType;
    /** The part that is a picture; without it, every other part is one. */
    readonly picturePart?: string;
  };
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** What a caller must be allowed to; "open" needs no key even where reading does. */
    access?: "open" | "read" | "write";
    /** Bodies that the route checks itself, for the OpenAPI document. */
    takes?: Takes;
    /** Statuses that the route refuses with besides those that follow from the rest. */
    alsoGives?: readonly CommonStatus[];
    /** Does it occupy the model or the disk? */
    isCostly?: boolean;
    /** Log lines of a route that is asked all the time would hide the others. */
    isQuiet?: boolean;
  }
}
