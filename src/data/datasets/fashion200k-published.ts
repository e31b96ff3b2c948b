/** Fashion200k: labels, addresses and cropped images on a shared drive, test queries from TIRG's authors. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { safeRelativePath } from "../fetch/safe-path.js";
import type { PublishedFile, PublishedSet } from "./published-set.js";

const queriesAt = "https://storage.googleapis.com/image_retrieval_css/test_queries.txt";
const categories = ["dress", "jacket", "pants", "skirt", "top"] as const;

const labelFiles = categories.flatMap((category) => [
  `labels/${category}_train_detect_all.txt`,
  `labels/${category}_test_detect_all.txt`,
]);

/** An image's id is its path as the label files have it. */
export const fashion200kSet: PublishedSet = {
  annotations: [
    ...labelFiles.map((path): PublishedFile => ({ path, format: "text" })),
    { path: "test_queries.txt", address: queriesAt, format: "text" },
  ],
  lists: [{ path: "image_urls.txt", format: "text" }],
  byHand:
    "Fashion200k's labels and image_urls.txt are on a shared drive that answers no plain GET: get them by hand " +
    "(https://github.com/xthan/fashion-200k has the link) and put them into the folder, or name a copy with --base-url",
  wantedImages(root) {
    const ids = new Set(
      labelFiles.flatMap((path) =>
        readFileSync(join(root, path), "utf8")
          .split("\n")
          .map((line) => line.split("\t", 1)[0]?.trim() ?? "")
          .filter(Boolean),
      ),
    );
    const images = [...ids].filter(isSafe).map((id) => ({ id, path: id }));
    return { images, unsafe: [...ids].filter((id) => !isSafe(id)) };
  },
  archiveImage(path) {
    const id = /(?:^|\/)(women\/.+)$/.exec(path)?.[1] ?? path;
    return { id, path: id };
  },
  findImages(root) {
    return ({ path }) => join(root, path);
  },
};

function isSafe(id: string): boolean {
  return safeRelativePath(id) === id;
}
