/** A run folder as an encoder: what stands in until runs are exported as bundles. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeImage } from "../data/image.js";
import type { ImageSource } from "../data/image-source.js";
import { tokenise } from "../data/vocabulary.js";
import { ImageError, UsageError } from "../errors.js";
import type { EncodedQuery, Encoder, EncoderQuery, Picture } from "../retrieval/encoder.js";
import { ModelEmbedder } from "../retrieval/model-embedder.js";
import { openRun, type Run } from "../training/open-run.js";
import { runFiles } from "../training/run-files.js";

/** Pictures under names of their own, decoded once. */
class NamedPictures implements ImageSource {
  readonly sizePx: number;
  readonly #fit: "squash" | "pad";
  readonly #pixels = new Map<string, Uint8Array>();
  #count = 0;

  constructor({ config: { training } }: Run) {
    this.sizePx = training.resizePx;
    this.#fit = training.imageFit;
  }

  /** @throws ImageError */
  async add(picture: Picture | undefined): Promise<string> {
    const options = { resizePx: this.sizePx, fit: this.#fit };
    const white = () => new Uint8Array(this.sizePx * this.sizePx * 3).fill(255);
    const pixels = picture === undefined ? white() : (await decodeImage(picture, options)).data;
    const name = String(this.#count++);
    this.#pixels.set(name, pixels);
    return name;
  }

  async pixels(name: string): Promise<Uint8Array> {
    const found = this.#pixels.get(name);
    if (!found) throw new ImageError(`${name}: there is no such picture`);
    return found;
  }

  remove(name: string): void {
    this.#pixels.delete(name);
  }
}

/** Opens a run. It computes on the calling thread. @throws RunError and others as `openRun`. */
export async function openRunEncoder(runDir: string): Promise<Encoder> {
  const run = openRun(runDir);
  const { imagePx, maxWords } = run.config.training;
  const { modules } = run.config.modelConfig as { readonly modules?: unknown };
  const images = new NamedPictures(run);
  const embedder = await ModelEmbedder.compile(run.model, {
    ...{ images, vocabulary: run.vocabulary, imagePx, maxWords },
    regionBudgetBytes: 0,
  });
  const known = new Set(run.vocabulary.words);

  async function embedPictures(
    pictures: readonly Picture[],
  ): Promise<readonly (Float32Array | ImageError)[]> {
    const added = await Promise.all(
      pictures.map((picture) =>
        images.add(picture).catch((error: unknown) => {
          if (error instanceof ImageError) return error;
          throw error;
        }),
      ),
    );
    const names = added.filter((name) => typeof name === "string");
    const rows = await embedder.embedImages(names);
    for (const name of names) images.remove(name);
    let row = 0;
    return added.map((name) => {
      if (name instanceof ImageError) return name;
      row += 1;
      return rows.slice((row - 1) * embedder.embedDim, row * embedder.embedDim);
    });
  }

  async function embedQuery({ picture, text = "" }: EncoderQuery): Promise<EncodedQuery> {
    if (picture === undefined && text.trim() === "") throw new UsageError("query: needs a picture or a text");
    if (picture !== undefined && text.trim() === "") {
      const [embedding] = await embedPictures([picture]);
      if (embedding instanceof ImageError || embedding === undefined) throw embedding;
      return { embedding, routes: [], unknownWords: [] };
    }
    const reference = await images.add(picture);
    try {
      const unknownWords = [...new Set(tokenise(text))].filter((word) => !known.has(word));
      return { ...(await embedder.embedQuery({ reference, text })), unknownWords };
    } finally {
      images.remove(reference);
    }
  }

  return {
    modelId: modelIdOf(runDir),
    model: run.config.model,
    embedDim: embedder.embedDim,
    modules: Array.isArray(modules) ? modules.map(String) : undefined,
    embedPictures,
    embedQueries: (queries) => Promise.all(queries.map(embedQuery)),
    close: () => embedder.release(),
  };
}

/** Of everything that embeddings depend on. */
function modelIdOf(runDir: string): string {
  const hash = createHash("sha256");
  const { config } = JSON.parse(readFileSync(join(runDir, runFiles.manifest), "utf8"));
  hash.update(JSON.stringify(config));
  for (const name of [runFiles.vocabulary, runFiles.parameters])
    hash.update(readFileSync(join(runDir, name)));
  return hash.digest("hex");
}
