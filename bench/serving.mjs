// A service to measure: an index of drawn items with an exported model, and `sdfn serve` on it in a process of its own.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { exportBundle } from "../dist/bundle/export-bundle.js";
import { openBundle } from "../dist/bundle/open-bundle.js";
import { thumbnail } from "../dist/images/image.js";
import { CatalogueIndex } from "../dist/search/index/catalogue-index.js";
import { clusters } from "./clusters.mjs";
import { randomRun, vocabularySize, wordOf } from "./random-run.mjs";

/** Pictures that queries take in turn, and the size of drawn ones. */
const [pictureCount, drawnPx] = [8, { width: 480, height: 640 }];
const [thumbnailPx, batch] = [320, 5000];
/** Words of a text. */
const wordCount = 7;

/** An index below `root` whose items have clustered vectors and one of a few pictures. */
export async function drawIndex(root, { folder, embedDim, itemCount }) {
  const pictures = folder === undefined ? await drawPictures(root) : picturesIn(folder);
  const thumbnails = await Promise.all(pictures.map((picture) => thumbnail(picture, thumbnailPx)));
  const bundle = join(root, "bundle");
  exportBundle(randomRun(embedDim), bundle);
  const encoder = await openBundle(bundle);
  const indexFolder = join(root, "index");
  const index = await CatalogueIndex.openOrCreate(indexFolder, encoder, (dir) =>
    cp(bundle, dir, { recursive: true }),
  );
  const draw = clusters(itemCount, embedDim);
  for (let start = 0; start < itemCount; start += batch) {
    await index.put(
      Array.from({ length: Math.min(batch, itemCount - start) }, (_, i) => {
        const { id, category, price, vector } = draw.item(start + i);
        const small = thumbnails[(start + i) % thumbnails.length];
        const picture = createHash("sha256").update(small).digest("hex");
        const entry = { id, category, price, title: `Item ${start + i}`, attributes: {}, picture };
        return { entry, embedding: vector, thumbnail: small };
      }),
    );
  }
  await index.finish();
  await index.close();
  await encoder.close();
  return { indexFolder, pictures };
}

/** `sdfn serve` on any free port; resolves when it answers. */
export async function startServing(indexFolder, flags = []) {
  const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "serve", indexFolder, "--port", "0", "--json", ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const address = done ? undefined : JSON.parse(value).address;
  if (address === undefined) throw new Error(`sdfn serve ended with ${await ended}: ${value ?? ""}`);
  return {
    address,
    async stop() {
      child.kill("SIGTERM");
      const code = await ended;
      if (code !== 0) throw new Error(`sdfn serve ended with ${code}`);
    },
  };
}

/** One search over HTTP, its answer read: of ours, or of a peer that takes the same form. @param {object} request @param {string} [picture] file of the upload "picture" */
export async function searchOverHttp(address, request, picture) {
  let body = JSON.stringify(request);
  let headers = { "content-type": "application/json" };
  if (picture !== undefined) {
    const form = new FormData();
    form.append("request", body);
    form.append("picture", new Blob([readFileSync(picture)], { type: "image/jpeg" }), "picture.jpg");
    [body, headers] = [form, {}];
  }
  const response = await fetch(new URL("/v1/search", address), { method: "POST", body, headers });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** Tokens of a text, and the text. */
export function drawText(random) {
  const tokens = Array.from({ length: wordCount }, () => 2 + random.integer(vocabularySize - 2));
  return { tokens, text: tokens.map(wordOf).join(" ") };
}

async function drawPictures(root) {
  const files = [];
  for (let i = 0; i < pictureCount; i += 1) {
    const file = join(root, `${i}.jpg`);
    const noise = { type: "gaussian", mean: 90 + 10 * i, sigma: 40 };
    await sharp({ create: { ...drawnPx, channels: 3, background: "white", noise } })
      .blur(2)
      .jpeg({ quality: 85 })
      .toFile(file);
    files.push(file);
  }
  return files;
}

function picturesIn(folder) {
  const names = readdirSync(folder).filter((name) => /\.jpe?g$/i.test(name));
  if (names.length === 0) throw new Error(`${folder}: holds no JPEG files`);
  return names.slice(0, pictureCount).map((name) => join(folder, name));
}
