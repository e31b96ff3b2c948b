/** The text files of a synthetic catalogue: FashionIQ's captions and splits, a shop's table, and a manifest. */
import { stringify } from "csv-stringify/sync";
import { allAttributes, allCategories } from "./attributes.js";
import type { SyntheticOptions } from "./options.js";
import { type CataloguePlan, syntheticSplits } from "./plan.js";

/** Raised when the same options begin to give other files. */
const generatorVersion = 3;
export const manifestFile = "synthetic.json";
const generatorName = "sdfn synthetic catalogue";

/** Counts by split and category, as they stand in the manifest. */
export type CatalogueCounts = Readonly<
  Record<string, Readonly<Record<string, { readonly images: number; readonly triplets: number }>>>
>;

/** Where the picture of an item lies, relative to the catalogue. */
export function imagePath(id: string): string {
  return `images/${id}.jpg`;
}

/** Pictures and triplets of every split and category. */
export function countsOf({ items, triplets }: CataloguePlan): CatalogueCounts {
  return Object.fromEntries(
    syntheticSplits.map((split) => [
      split,
      Object.fromEntries(
        allCategories.map((category) => [
          category,
          {
            images: items.filter((item) => item.split === split && item.design.category === category).length,
            triplets: triplets.filter((t) => t.split === split && t.category === category).length,
          },
        ]),
      ),
    ]),
  );
}

/** The manifest that makes a folder a complete catalogue made with these options. */
export function manifestText(options: SyntheticOptions, counts: CatalogueCounts): string {
  return json({ generator: generatorName, version: generatorVersion, options, counts });
}

/** True for the text of any version's manifest. */
export function isManifest(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return (
      typeof parsed === "object" &&
      parsed !== null &&
      "generator" in parsed &&
      parsed.generator === generatorName
    );
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/**
 * Path to text of the annotation files. As in FashionIQ, `candidate` is the reference image and captions of the
 * test split have no `target`.
 */
export function annotationFiles(plan: CataloguePlan): Map<string, string> {
  const files = new Map<string, string>();
  for (const split of syntheticSplits) {
    for (const category of allCategories) {
      const captions = plan.triplets
        .filter((triplet) => triplet.split === split && triplet.category === category)
        .map(({ referenceId, targetId, captions, paraphrases }) => ({
          target: split === "test" ? undefined : targetId,
          candidate: referenceId,
          captions,
          paraphrases: split === "val" ? paraphrases : undefined,
        }));
      const ids = plan.items
        .filter((item) => item.split === split && item.design.category === category)
        .map(({ id }) => id);
      files.set(`captions/cap.${category}.${split}.json`, json(captions));
      files.set(`image_splits/split.${category}.${split}.json`, json(ids));
    }
  }
  files.set("catalogue.csv", catalogueCsv(plan.items));
  return files;
}

/**
 * A shop's table: one row per picture with id, image, category, split, title, price, and a column per attribute.
 * @param directory of the catalogue, as seen from the table's own; "" where it lies in the catalogue.
 */
export function catalogueCsv(items: CataloguePlan["items"], { directory = "" } = {}): string {
  const rows = items.map(({ id, split, design, title, price }) => ({
    id,
    image: directory + imagePath(id),
    split,
    title,
    price,
    ...design,
  }));
  const columns = ["id", "image", "category", "split", "title", "price", ...allAttributes];
  return stringify(rows, { header: true, columns });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
