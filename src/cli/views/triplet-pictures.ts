/** Samples of triplets for the page: which ones, and their pictures. */
import type { ItemTable } from "../../data/from-catalogue/item-table.js";
import { changesOf } from "../../data/from-catalogue/make-triplets.js";
import type { MadeTriplet } from "../../data/from-catalogue/triplet-statistics.js";
import type { CataloguePictures } from "../../data/from-catalogue/write-triplets.js";
import { ImageError } from "../../errors.js";
import { thumbnailDataUri } from "../../images/image.js";
import type { TripletSample } from "../../report/triplet-samples.js";
import type { PagePicture } from "../../report/types.js";
import { samplePicturePx } from "./picture-sizes.js";

const sampleCount = 48;

/** Triplets that between them show every kind of change: those of rarely shown sets of attributes first. */
export function chooseSamples(triplets: readonly MadeTriplet[], count = sampleCount): readonly MadeTriplet[] {
  const byKind = new Map<string, MadeTriplet[]>();
  for (const triplet of triplets) {
    const kind = `${triplet.changed.join()} ${triplet.category}`;
    const list = byKind.get(kind);
    if (!list) byKind.set(kind, [triplet]);
    else if (list.length < count) list.push(triplet);
  }
  // A round is one triplet of every kind; single changes, which are read most quickly, come first.
  const kinds = [...byKind.values()].sort(
    (a, b) => (a[0]?.changed.length ?? 0) - (b[0]?.changed.length ?? 0),
  );
  const chosen: MadeTriplet[] = [];
  for (let round = 0; chosen.length < count && kinds.some((list) => list.length > round); round += 1) {
    for (const list of kinds) {
      const triplet = list[round];
      if (triplet && chosen.length < count) chosen.push(triplet);
    }
  }
  return chosen;
}

/** The samples whose pictures can be shown, and how many cannot. */
export async function withPictures(
  triplets: readonly MadeTriplet[],
  table: ItemTable,
  pictures: CataloguePictures,
): Promise<{ readonly samples: readonly TripletSample[]; readonly hidden: number }> {
  const pictureOf = async (row: number): Promise<PagePicture | undefined> => {
    const file = pictures.fileOf(row);
    const item = table.items[row];
    if (file === undefined || item === undefined) return undefined;
    try {
      const dataUri = await thumbnailDataUri(file, samplePicturePx);
      return { id: item.id, dataUri, title: item.title };
    } catch (error) {
      if (error instanceof ImageError) return undefined; // counted as hidden; training reports it by name
      throw error;
    }
  };
  const samples: TripletSample[] = [];
  for (const triplet of triplets) {
    const [reference, target] = [await pictureOf(triplet.reference), await pictureOf(triplet.target)];
    if (!reference || !target) continue;
    const { captions, category, split } = triplet;
    const changes = changesOf(table, triplet);
    samples.push({ reference, target, captions, changes, tag: `${category} · ${split}` });
  }
  return { samples, hidden: triplets.length - samples.length };
}
