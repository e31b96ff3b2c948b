/** Small fake copies of the published data sets, put onto a local server. */
import sharp from "sharp";
import type { LocalServer } from "./local-server.js";

/** A JPEG of one colour. */
export function jpeg(red: number): Promise<Buffer> {
  return sharp({ create: { width: 24, height: 32, channels: 3, background: { r: red, g: 90, b: 30 } } })
    .jpeg()
    .toBuffer();
}

/** FashionIQ's annotations below `/fiq/`, with these ids in the dress train split, and a list of `addresses`. */
export function serveFashionIq(
  server: LocalServer,
  ids: readonly string[],
  addresses: readonly (readonly [id: string, address: string])[],
): void {
  for (const category of ["dress", "shirt", "toptee"]) {
    for (const split of ["train", "val", "test"]) {
      const isFirst = category === "dress" && split === "train";
      const [target = "", candidate = ""] = ids;
      const captions = isFirst ? [{ target, candidate, captions: ["is red", "is longer"] }] : [];
      server.serve(`/fiq/captions/cap.${category}.${split}.json`, JSON.stringify(captions));
      server.serve(`/fiq/image_splits/split.${category}.${split}.json`, JSON.stringify(isFirst ? ids : []));
    }
    // The published lists have a space on both sides of the tab.
    const lines = addresses.map(([id, address]) => `${id} \t ${address}\n`);
    const list = category === "dress" ? lines.join("") : "UNASKED \t http://127.0.0.1:9/unasked.jpg\n";
    server.serve(`/fiq/image_url/asin2url.${category}.txt`, list);
  }
}

/** Shoes' three files below `/shoes/`. */
export function serveShoes(
  server: LocalServer,
  train: readonly string[],
  evaluation: readonly string[],
): void {
  const [ImageName, ReferenceImageName] = train;
  const captions = [{ ImageName, ReferenceImageName, RelativeCaption: "is red" }];
  server.serve("/shoes/relative_captions_shoes.json", JSON.stringify(captions));
  server.serve("/shoes/train_im_names.txt", train.map((name) => `${name}\n`).join(""));
  server.serve("/shoes/eval_im_names.txt", evaluation.map((name) => `${name}\n`).join(""));
}

/** Fashion200k's files below `/f200k/`, with these images as dress train labels. */
export function serveFashion200k(server: LocalServer, paths: readonly string[], list: string): void {
  for (const category of ["dress", "jacket", "pants", "skirt", "top"]) {
    for (const split of ["train", "test"]) {
      const named =
        category === "dress" && split === "train" ? paths : [`women/${category}/${split}/1/1_0.jpeg`];
      const lines = named.map((path) => `${path}\t0.9\tred dress\n`);
      server.serve(`/f200k/labels/${category}_${split}_detect_all.txt`, lines.join(""));
    }
  }
  server.serve("/f200k/test_queries.txt", `${paths[0]} ${paths[1]}\n`);
  server.serve("/f200k/image_urls.txt", list);
}
