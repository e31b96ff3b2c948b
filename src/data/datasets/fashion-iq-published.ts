/** FashionIQ: annotations in its own repository, address lists in another. */
import { join, posix } from "node:path";
import { z } from "zod";
import { readJsonArray } from "../../files/read-json.js";
import { isPlainName } from "../fetch/safe-path.js";
import { indexImages } from "./image-index.js";
import type { PublishedFile, PublishedSet } from "./published-set.js";

const annotationsAt = "https://raw.githubusercontent.com/XiaoxiaoGuo/fashion-iq/master/";
const listsAt = "https://raw.githubusercontent.com/hongwang600/fashion-iq-metadata/master/";

const categories = ["dress", "shirt", "toptee"] as const;
const splits = ["train", "val", "test"] as const;

const splitFiles = categories.flatMap((category) =>
  splits.map((split) => `image_splits/split.${category}.${split}.json`),
);
const captionFiles = categories.flatMap((category) =>
  splits.map((split) => `captions/cap.${category}.${split}.json`),
);

/** Every image of a split file is wanted: the whole split is a gallery. */
export const fashionIqSet: PublishedSet = {
  annotations: [...captionFiles, ...splitFiles].map(
    (path): PublishedFile => ({ path, address: annotationsAt + path, format: "JSON" }),
  ),
  lists: categories.map((category): PublishedFile => {
    const path = `image_url/asin2url.${category}.txt`;
    return { path, address: listsAt + path, format: "text" };
  }),
  wantedImages(root) {
    const nextStep = "remove the file and fetch it again";
    const ids = new Set(
      splitFiles.flatMap((path) =>
        readJsonArray(join(root, path), z.string("must be an image id"), nextStep),
      ),
    );
    const images = [...ids].filter(isPlainName).map((id) => ({ id, path: `images/${id}.jpg` }));
    return { images, unsafe: [...ids].filter((id) => !isPlainName(id)) };
  },
  archiveImage(path) {
    const id = posix.parse(path).name;
    return { id, path: `images/${id}.jpg` };
  },
  findImages(root) {
    const index = indexImages(join(root, "images"), 1);
    return ({ id }) => index.get(id);
  },
};
