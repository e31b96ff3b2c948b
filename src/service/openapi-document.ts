/** What the OpenAPI document has beside each route's own: answers in common, once, and no schema that nothing names. */
import type { OpenAPIV3_1 } from "openapi-types";
import { type CommonStatus, commonAnswers } from "./common-answers.js";

const schemaPlace = "#/components/schemas/";

/** @param statusesById statuses of common answers by operation. */
export function completed(
  document: OpenAPIV3_1.Document,
  statusesById: ReadonlyMap<string, readonly CommonStatus[]>,
): OpenAPIV3_1.Document {
  for (const item of Object.values(document.paths ?? {})) {
    // The description says that it is as GET.
    delete item?.head;
    for (const operation of [item?.get, item?.post, item?.put, item?.delete]) {
      if (operation !== undefined) addAnswers(operation, statusesById);
    }
  }
  const responses = Object.fromEntries(
    Object.entries(commonAnswers).map(([status, answer]) => [
      answer.name,
      responseOf(Number(status), answer),
    ]),
  );
  const components = { ...document.components, responses };
  const schemas = namedSchemas([document.paths, responses], document.components?.schemas ?? {});
  return { ...document, components: { ...components, schemas } };
}

function addAnswers(
  operation: OpenAPIV3_1.OperationObject,
  statusesById: ReadonlyMap<string, readonly CommonStatus[]>,
): void {
  const statuses = statusesById.get(operation.operationId ?? "") ?? [];
  const common = statuses.map((status) => [
    status,
    { $ref: `#/components/responses/${commonAnswers[status].name}` },
  ]);
  // What a route says itself of a status counts.
  operation.responses = { ...Object.fromEntries(common), ...operation.responses };
}

function responseOf(
  status: number,
  answer: (typeof commonAnswers)[CommonStatus],
): OpenAPIV3_1.ResponseObject {
  const { description } = answer;
  if (status === 304) return { description };
  const names = "headers" in answer ? answer.headers : [];
  const headers = Object.fromEntries(names.map((name) => [name, { schema: { type: "string" as const } }]));
  const content = { "application/json": { schema: { $ref: `${schemaPlace}Error` } } };
  return { description, ...(names.length === 0 ? {} : { headers }), content };
}

/** The schemas that are named somewhere, and those that these name. */
function namedSchemas(
  places: unknown,
  schemas: Readonly<Record<string, OpenAPIV3_1.SchemaObject>>,
): Record<string, OpenAPIV3_1.SchemaObject> {
  const named = new Set<string>();
  const waiting: unknown[] = [places];
  while (waiting.length > 0) {
    const text = JSON.stringify(waiting.pop()) ?? "";
    for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (named.has(name)) continue;
      named.add(name);
      waiting.push(schemas[name]);
    }
  }
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => named.has(name)));
}
