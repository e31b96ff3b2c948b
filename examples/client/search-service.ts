/** A client of the service, typed by `search-api.ts`, which is generated from the service's OpenAPI document. */
import createClient from "openapi-fetch";
import type { paths } from "./search-api.js";

export const searchService = (baseUrl: string, key: string) =>
  createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });

/** A body as a form: files as they are, everything else as JSON. */
export function asForm(body: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) {
    form.append(name, value instanceof Blob ? value : JSON.stringify(value));
  }
  return form;
}
