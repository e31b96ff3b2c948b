/** The OpenAPI document and the service agree: on what is taken, what is refused, and with which status. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Schema, valuesOf } from "./schema-values.js";
import {
  form,
  keyFile,
  makeSmallIndex,
  outcome,
  type Running,
  type SmallIndex,
  start,
} from "./small-index.js";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly schema: Schema;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

let place: SmallIndex;
let service: Running;
let keys: Awaited<ReturnType<typeof keyFile>>;
let document: Document;
let picture: Buffer;
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
  service = await start({ index: place.copy("served"), keys: keys.file, logLevel: "debug" });
  document = (await (await service.get("/openapi.json")).json()) as Document;
  picture = readFileSync(place.picture("A3"));
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

const words = ["A1", "A2", "A12", "dress", "colour", "red", "is red", "front"];
const runs = { numRuns: 150, seed: 20_261_128 };
const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
const bodyOf = (id: string, type: string): Schema => {
  const found = operations().find(({ operation }) => operation.operationId === id);
  const schema = found?.operation.requestBody?.content[type]?.schema;
  if (schema === undefined) throw new Error(`the document has no ${type} for ${id}`);
  return schema;
};
const formPart = (id: string, name: string): Schema =>
  bodyOf(id, "multipart/form-data").properties?.[name] ?? {};

/** What a schema cannot say: which items there are, that weights leave something over, and sums. */
const isUnsaid = ({ status, code, message }: Awaited<ReturnType<typeof outcome>>) =>
  status === 400 &&
  code === "USAGE" &&
  /no item of this id|cancel each other out|at most 1000 conditions/.test(message);

describe("the document", () => {
  it("is valid OpenAPI 3.1, and every operation has an id of its own", async () => {
    const checked = await new Validator().validate({ ...document });
    expect(checked).toMatchObject({ valid: true });
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(ids.sort()).toEqual([
      "deleteItem",
      "getCatalogue",
      "getHealth",
      "getItem",
      "getMetrics",
      "getPicture",
      "getReadiness",
      "getSuggestions",
      "getThumbnail",
      "putItem",
      "search",
    ]);
  });

  it("says each schema and each refusal once, and no other", () => {
    const text = JSON.stringify(document);
    for (const kind of ["schemas", "responses"] as const) {
      for (const name of Object.keys(document.components[kind] ?? {})) {
        expect(text).toContain(`"#/components/${kind}/${name}"`);
      }
    }
    expect(Object.keys(document.components.schemas ?? {})).toEqual(
      expect.arrayContaining(["SearchRequestInput", "SearchResponse", "Item", "ItemWriteInput", "Error"]),
    );
    const inline = operations().flatMap(({ operation }) =>
      Object.entries(operation.responses).filter(
        ([status, answer]) => Number(status) >= 400 && !JSON.stringify(answer).includes("$ref"),
      ),
    );
    expect(inline).toEqual([]);
  });
});

describe("what the document takes", () => {
  it("as a search in JSON, the service takes", async () => {
    const { taken } = valuesOf(bodyOf("search", "application/json"), document, words);
    await fc.assert(
      fc.asyncProperty(taken, async (asked) => {
        const answer = await outcome(service.search(asked));
        if (!isUnsaid(answer)) expect(answer).toMatchObject({ status: 200 });
      }),
      runs,
    );
  });

  it("as a search in a form, the service takes", async () => {
    const { taken } = valuesOf(formPart("search", "request"), document, words);
    await fc.assert(
      fc.asyncProperty(taken, async (request) => {
        const answer = await outcome(postForm({ request, ...uploadsOf(request) }));
        if (!isUnsaid(answer)) expect(answer).toMatchObject({ status: 200 });
      }),
      { ...runs, numRuns: 100 },
    );
  });

  it("as an item, the service takes, and gives back", async () => {
    const { taken } = valuesOf(formPart("putItem", "item"), document, words);
    const ids = valuesOf(parameters("putItem")[0]?.schema ?? {}, document, words).taken;
    await fc.assert(
      fc.asyncProperty(ids, taken, async (id, item) => {
        const answer = await putItem(String(id), { item, picture });
        const text = await answer.text();
        expect([200, 201], text).toContain(answer.status);
        expect(await (await service.get(`/v1/items/${encodeURIComponent(String(id))}`)).text()).toBe(text);
      }),
      { ...runs, numRuns: 60 },
    );
  });

  it("as a parameter, the service takes", async () => {
    for (const { path, method, operation } of operations()) {
      for (const parameter of operation.parameters ?? []) {
        const { taken } = valuesOf(parameter.schema, document, [...words, "0", "8", "50"]);
        await fc.assert(
          fc.asyncProperty(taken, async (value) => {
            if (!canBeSent(parameter, value)) return;
            const { status, message } = await ask(method, path, parameter, value);
            // A new item needs a picture.
            if (operation.operationId === "putItem") expect(message ?? "").not.toMatch(/^params/);
            else expect([200, 204, 404], `${method} ${path} ${value}: ${message}`).toContain(status);
          }),
          { ...runs, numRuns: 40 },
        );
      }
    }
  });
});

describe("what the document refuses", () => {
  it("as a search in JSON, the service refuses", async () => {
    const { refused } = valuesOf(bodyOf("search", "application/json"), document, words);
    await fc.assert(
      fc.asyncProperty(refused, async (asked) => {
        expect((await outcome(service.search(asked))).status).toBe(400);
      }),
      runs,
    );
  });

  it("as a search in a form, the service refuses", async () => {
    const { refused } = valuesOf(formPart("search", "request"), document, words);
    await fc.assert(
      fc.asyncProperty(refused, async (request) => {
        expect((await outcome(postForm({ request, ...uploadsOf(request) }))).status).toBe(400);
      }),
      runs,
    );
  });

  it("as an item, the service refuses", async () => {
    const { refused } = valuesOf(formPart("putItem", "item"), document, words);
    await fc.assert(
      fc.asyncProperty(refused, async (item) => {
        expect((await outcome(putItem("A1", { item }))).status).toBe(400);
      }),
      runs,
    );
  });

  it("as a parameter, the service refuses", async () => {
    const odd = [
      "0",
      "51",
      "-1",
      "1.5",
      "0x8",
      "1e1",
      " 8",
      "",
      "x",
      ".x",
      "a/b",
      "a\\b",
      "\u0000",
      "x".repeat(257),
    ];
    for (const { path, method, operation } of operations()) {
      for (const parameter of operation.parameters ?? []) {
        const { refused } = valuesOf(parameter.schema, document, words);
        const isNumber = parameter.schema.type === "integer";
        const texts = refused.filter((value) => typeof value === "string");
        const values = isNumber ? fc.constantFrom(...odd) : texts;
        await fc.assert(
          fc.asyncProperty(values, async (value) => {
            if (!canBeSent(parameter, value)) return;
            const { status } = await ask(method, path, parameter, value);
            expect([400, 414], `${method} ${path} ${value}`).toContain(status);
          }),
          { ...runs, numRuns: 40 },
        );
      }
    }
  });
});

describe("statuses", () => {
  it("that were answered to anything above are in the document", () => {
    const documented = new Map(
      operations().map(({ path, method, operation }) => [
        `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
        new Set(Object.keys(operation.responses)),
      ]),
    );
    const wrong = service
      .lines()
      .filter(({ msg }) => msg === "answered")
      .filter(
        ({ method, route, status }) => documented.get(`${method} ${route}`)?.has(String(status)) === false,
      );
    expect(wrong).toEqual([]);
    expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
  });
});

function parameters(id: string): readonly Parameter[] {
  return operations().find(({ operation }) => operation.operationId === id)?.operation.parameters ?? [];
}

/** Halves of characters have no code in an address, nothing or dots alone are another address, and long ones are no HTTP. */
function canBeSent(parameter: Parameter, value: unknown): boolean {
  const text = String(value);
  if (/\p{Surrogate}/u.test(text)) return false;
  if (encodeURIComponent(text).length > 15_000) return false;
  return parameter.in === "query" || !/^\.{0,2}$/.test(text);
}

function ask(method: string, path: string, parameter: Parameter, value: unknown) {
  const encoded = encodeURIComponent(String(value));
  const address =
    parameter.in === "path"
      ? path.replace(`{${parameter.name}}`, encoded)
      : `${path}?${parameter.name}=${encoded}`;
  const body = method === "put" ? form({ item: { category: "dress" } }) : null;
  return outcome(
    fetch(service.address + address, { method: method.toUpperCase(), headers: keys.headers, body }),
  );
}

const postForm = (parts: Readonly<Record<string, unknown>>) =>
  fetch(`${service.address}/v1/search`, { method: "POST", body: form(parts) });

const putItem = (id: string, parts: Readonly<Record<string, unknown>>) =>
  fetch(`${service.address}/v1/items/${encodeURIComponent(id)}`, {
    method: "PUT",
    headers: keys.headers,
    body: form(parts),
  });

/** A picture for every upload that a request names. */
function uploadsOf(request: unknown): Readonly<Record<string, Uint8Array>> {
  const names = [...JSON.stringify(request).matchAll(/"upload":("(?:[^"\\]|\\.)*")/g)];
  return Object.fromEntries(
    names
      .map(([, name = '""']) => [JSON.parse(name) as string, picture] as const)
      .filter(([name]) => name !== "request"),
  );
}
