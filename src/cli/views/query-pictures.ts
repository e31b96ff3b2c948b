/** A ranked query with its pictures, for pages. */

import { hitsOf, type RetrievalDataset, type Triplet } from "../../data/triplet.js";
import { thumbnailDataUri } from "../../images/image.js";
import type { PagePicture, QueryAnswer } from "../../report/types.js";
import { answerPicturePx } from "./picture-sizes.js";

/** A query and what was ranked for it. */
export interface RankedQuery {
  readonly triplet: Triplet;
  readonly text: string;
  /** The pictures to show, best first. */
  readonly hits: readonly { readonly id: string; readonly score: number }[];
  /** Rank of the target, from 1, or `unranked`. */
  readonly rank: number;
  readonly gallerySize: number;
}

export interface QueryPictureOptions {
  readonly dataset: Pick<RetrievalDataset, "imagePath">;
  /** What a picture shows, by image id; its id by default. */
  readonly titleOf?: (id: string) => string | undefined;
}

/** @throws ImageError when a picture cannot be decoded. */
export async function withQueryPictures(
  { triplet, text, hits, rank, gallerySize }: RankedQuery,
  { dataset, titleOf = () => undefined }: QueryPictureOptions,
): Promise<QueryAnswer> {
  const targets = new Set(hitsOf(triplet));
  const picture = async (id: string): Promise<PagePicture> => {
    const title = titleOf(id);
    return {
      id,
      dataUri: await thumbnailDataUri(dataset.imagePath(id) ?? id, answerPicturePx),
      title,
    };
  };
  return {
    reference: await picture(triplet.reference),
    text,
    category: triplet.category,
    gallerySize,
    results: await Promise.all(
      hits.map(async ({ id, score }) => ({
        picture: await picture(id),
        score,
        isTarget: targets.has(id),
      })),
    ),
    target: { picture: await picture(triplet.target), rank },
  };
}
