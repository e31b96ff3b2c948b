/** Bodies of requests: JSON, alone or in a form beside pictures. Bounded, and refused with what is wrong. */
import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { RequestError, SdfnError } from "../errors.js";
import { serviceLimits } from "./api.js";
import { endReading } from "./body-arrival.js";
import type { Take } from "./slots.js";

export interface Form {
  /** What the JSON part says; undefined without one. */
  readonly json: unknown;
  /** Bytes by part name. */
  readonly pictures: ReadonlyMap<string, Uint8Array>;
}

const { formBytes, jsonBytes, pictureBytes, queries } = serviceLimits;

/**
 * Reads a form whole.
 * @param jsonPart the name of its JSON part, which may be sent as a field or as a file; every other part is a picture.
 * @param take is told the bytes as they arrive.
 * @throws RequestError for a form that is cut off, too large, or not one; what `take` throws.
 */
export async function readForm(request: FastifyRequest, jsonPart: string, take: Take): Promise<Form> {
  const { raw } = request;
  if (Number(request.headers["content-length"] ?? 0) > formBytes) throw tooLarge();
  let total = 0;
  const count = (chunk: Buffer) => {
    total += chunk.length;
    try {
      if (total > formBytes) throw tooLarge();
      take(chunk.length);
    } catch (error) {
      raw.off("data", count);
      endReading(raw, error as RequestError);
    }
  };
  try {
    // The first of the parts is asked for in this turn, so that no byte passes before the form is read.
    raw.on("data", count);
    return await readParts(request, jsonPart);
  } catch (error) {
    // What is still coming is let through to nowhere: a client that cannot send to its end does not read the answer.
    raw.unpipe();
    raw.resume();
    if (error instanceof SdfnError) throw error;
    if ((error as { statusCode?: unknown }).statusCode === 413) throw tooLarge();
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError("INPUT_INVALID", `form: cannot be read; got ${reason}; send it whole`, {
      cause: error,
    });
  } finally {
    raw.off("data", count);
  }
}

async function readParts(request: FastifyRequest, jsonPart: string): Promise<Form> {
  const pictures = new Map<string, Uint8Array>();
  let json: unknown;
  const parts = request.parts({
    isPartAFile: (name) => name !== jsonPart,
    limits: { files: queries, fields: 1, parts: queries + 1, fileSize: pictureBytes, fieldSize: jsonBytes },
  });
  for await (const part of parts) {
    if (part.type === "field") {
      if (part.valueTruncated) throw tooLarge();
      json = typeof part.value === "string" ? parseJson(jsonPart, part.value) : part.value;
      continue;
    }
    part.file.once("limit", () => part.file.destroy(tooLarge()));
    const chunks: Buffer[] = [];
    for await (const chunk of part.file as AsyncIterable<Buffer>) chunks.push(chunk);
    if (pictures.has(part.fieldname)) {
      throw new RequestError("INPUT_INVALID", "form: two pictures have one name; give each its own");
    }
    pictures.set(part.fieldname, Buffer.concat(chunks));
  }
  return { json, pictures };
}

function tooLarge(): RequestError {
  const mib = (bytes: number) => `${bytes / 2 ** 20} MiB`;
  return new RequestError(
    "TOO_LARGE",
    `form: must have at most ${mib(formBytes)}, ${mib(pictureBytes)} a picture, ${queries} pictures; got more; make the pictures smaller`,
  );
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RequestError(
      "INPUT_INVALID",
      `form: the part ${name} must be JSON; got ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** @throws RequestError when nobody waits for the answer any more: nothing is computed then. */
export function requireClient(request: FastifyRequest): void {
  if (request.raw.socket.destroyed) throw new RequestError("TIMEOUT", "the client went away");
}

/** @throws RequestError that lists everything wrong with a value from outside. */
export function parsed<Schema extends z.ZodType>(
  where: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.slice(0, listedProblems).map((issue) => {
    // What is wrong with a record's key lies one level deeper.
    const { message } = (issue.code === "invalid_key" && issue.issues[0]) || issue;
    const place = z.core.toDotPath(issue.path);
    return place === "" ? message : `${place}: ${message}`;
  });
  throw new RequestError("INPUT_INVALID", `${where}: ${problems.join("; ")}`);
}

/** A long list says no more than its beginning. */
const listedProblems = 20;
