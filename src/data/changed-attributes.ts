/** Which attributes a triplet changes, where the data set was made from a catalogue that is still there. */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { readCatalogue } from "../catalogue/read-catalogue.js";
import { DatasetError } from "../errors.js";
import { readJsonSync } from "../files/read-json.js";
import type { RetrievalDataset, Triplet } from "./triplet.js";

/** Of a triplet, the attributes whose values differ between reference and target; undefined where it is not known. */
export type ChangedAttributes = (triplet: Triplet) => readonly string[] | undefined;

/** What `dataset.json` says of a catalogue, if it says it. */
const madeSchema = z.object({
  imageRoot: z.string().default("."),
  made: z.object({ catalogue: z.string(), attributes: z.array(z.string()) }),
});

/**
 * Reads the catalogue of a data set: the file that `sdfn triplets` made it from, or the list that the built-in catalogue
 * has beside its captions. Undefined where there is none. @throws DatasetError when it cannot be read.
 */
export async function changedAttributes({ root }: RetrievalDataset): Promise<ChangedAttributes | undefined> {
  const made = readJsonSync(join(root, "dataset.json"), madeSchema, () => undefined);
  const file = made ? join(root, made.imageRoot, basename(made.made.catalogue)) : join(root, "catalogue.csv");
  if (!existsSync(file)) return undefined;
  const valuesOf = new Map<string, ReadonlyMap<string, string>>();
  for await (const { id, attributes } of readCatalogue(file, { onWrongRow: () => undefined })) {
    const own = [...attributes].filter(([name]) => made?.made.attributes.includes(name) ?? true);
    valuesOf.set(id, new Map(own.map(([name, values]) => [name, values.join("|").toLowerCase()])));
  }
  if (valuesOf.size === 0) throw new DatasetError(`${file}: has no item; made it again, or remove it`);
  return ({ reference, target }) => {
    const [before, after] = [valuesOf.get(reference), valuesOf.get(target)];
    if (!before || !after) return undefined;
    return [...new Set([...before.keys(), ...after.keys()])].filter(
      (name) => before.get(name) !== after.get(name),
    );
  };
}
