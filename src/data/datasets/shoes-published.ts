/** Shoes: captions in the authors' repository, images in the Attribute Discovery archive. */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { isPlainName } from "../fetch/safe-path.js";
import { indexImages } from "./image-index.js";
import type { PublishedFile, PublishedSet } from "./published-set.js";

const annotationsAt = "https://raw.githubusercontent.com/XiaoxiaoGuo/fashion-retrieval/master/dataset/";
const archive = {
  path: "attributedata.tar.gz",
  address: "http://tamaraberg.com/attributesDataset/attributedata.tar.gz",
};

const nameLists = ["train_im_names.txt", "eval_im_names.txt"];
/** Folders below the root: that of the kind of shoe, a number, and two more where an archive was unpacked by hand. */
const imageFolderDepth = 4;

/** The archive has bags, earrings and ties too; only what the name lists name is taken. */
export const shoesSet: PublishedSet = {
  annotations: [
    { path: "relative_captions_shoes.json", format: "JSON" } as const,
    ...nameLists.map((path) => ({ path, format: "text" }) as const),
  ].map((file): PublishedFile => ({ ...file, address: annotationsAt + file.path })),
  lists: [],
  archive,
  wantedImages(root) {
    const names = new Set(
      nameLists.flatMap((path) => readFileSync(join(root, path), "utf8").split(/\s+/).filter(Boolean)),
    );
    const images = [...names].filter(isPlainName).map((id) => ({ id, path: `${folderOf(id)}/${id}` }));
    return { images, unsafe: [...names].filter((id) => !isPlainName(id)) };
  },
  archiveImage(path) {
    const inside = /(?:^|\/)(womens_[^/]+\/.+)$/.exec(path)?.[1] ?? path;
    return { id: posix.basename(path), path: inside };
  },
  findImages(root) {
    const index = indexImages(root, imageFolderDepth);
    return ({ id }) => index.get(posix.parse(id).name);
  },
};

/** `img_womens_clogs_851.jpg` lies in `womens_clogs`. */
function folderOf(id: string): string {
  return /^img_(womens_\w+)_\d+\.\w+$/.exec(id)?.[1] ?? "images";
}
