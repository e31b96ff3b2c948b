/** What a step's reference looks like and is called: an item of the catalogue or the shopper's own picture. */
import { useEffect, useState } from "react";
import type { Item } from "../../../src/service/api.js";
import { getItem } from "../api/client.js";
import { failureOf, isAbort } from "../api/failure.js";
import type { Reference } from "../state/search-state.js";
import { findUpload } from "./uploads.js";

/** A reference that was looked up; `missing` where neither service nor browser has it any more. */
export type ShownReference =
  | { readonly kind: "item"; readonly item: Item }
  /** `url` is good for as long as the page is open. */
  | { readonly kind: "upload"; readonly url: string }
  | { readonly kind: "missing" };

const known = new Map<string, ShownReference>();

/** Items of an answer need not be asked for again. */
export function rememberItems(items: readonly Item[]): void {
  for (const item of items) known.set(nameOf({ kind: "item", id: item.id }), { kind: "item", item });
}

/** undefined while it is looked up, and without a reference. */
export function useReference(reference: Reference | undefined): ShownReference | undefined {
  const name = reference === undefined ? undefined : nameOf(reference);
  const [, setFound] = useState<string>();
  useEffect(() => {
    if (reference === undefined || name === undefined || known.has(name)) return undefined;
    const abort = new AbortController();
    lookUp(reference, abort.signal).then(
      (shown) => {
        known.set(name, shown);
        setFound(name);
      },
      (error: unknown) => {
        if (isAbort(error) || abort.signal.aborted) return;
        // Other failures are said by the search itself, which needs the reference too.
        if (failureOf(error).status === 404) known.set(name, { kind: "missing" });
        setFound(`${name} failed`);
      },
    );
    return () => abort.abort();
  }, [name, reference]);
  return name === undefined ? undefined : known.get(name);
}

async function lookUp(reference: Reference, signal: AbortSignal): Promise<ShownReference> {
  if (reference.kind === "item") return { kind: "item", item: await getItem(reference.id, signal) };
  const blob = await findUpload(reference.key);
  return blob === undefined ? { kind: "missing" } : { kind: "upload", url: URL.createObjectURL(blob) };
}

function nameOf(reference: Reference): string {
  return reference.kind === "item" ? `item ${reference.id}` : `upload ${reference.key}`;
}

/** What a reference is called, in words. */
export function referenceName(shown: ShownReference | undefined): string {
  if (shown === undefined) return "…";
  if (shown.kind === "item") return shown.item.title ?? shown.item.id;
  return shown.kind === "upload" ? "your picture" : "a picture that is gone";
}
