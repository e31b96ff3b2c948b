/** A bundle's models in memory: prepares and embeds a batch. Occupies the thread it runs on; `BundleEncoder` gives it one. */
import type { EncodedQuery, WordAttention } from "../embedding/encoder.js";
import { type Feeds, GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { BundleError } from "../errors.js";
import { centreCrop, stackCrops } from "../images/crops.js";
import { encodeTexts } from "../text/encode-texts.js";
import { hasWords, Vocabulary } from "../text/vocabulary.js";
import { type BundleManifest, bundleFiles, readBundleFile } from "./bundle-manifest.js";

/** A query whose picture was decoded. */
export interface PreparedQuery {
  /** RGB [resizePx, resizePx, 3] of the bundle. */
  readonly pixels?: Uint8Array | undefined;
  readonly text?: string | undefined;
}

export class BundleModel {
  readonly #manifest: BundleManifest;
  readonly #vocabulary: Vocabulary;
  readonly #images: GraphSession<string>;
  readonly #queries: GraphSession<string>;

  private constructor(
    manifest: BundleManifest,
    loaded: { vocabulary: Vocabulary; images: GraphSession<string>; queries: GraphSession<string> },
  ) {
    this.#manifest = manifest;
    this.#vocabulary = loaded.vocabulary;
    this.#images = loaded.images;
    this.#queries = loaded.queries;
  }

  /** Loads what the manifest lists. @throws BundleError when a file is damaged or not what the manifest says. */
  static async load(
    dir: string,
    manifest: BundleManifest,
    session: SessionOptions = {},
  ): Promise<BundleModel> {
    const vocabulary = readVocabulary(dir, manifest);
    const images = await openGraph(dir, manifest, "images", session);
    const queries = await openGraph(dir, manifest, "queries", session);
    return new BundleModel(manifest, { vocabulary, images, queries });
  }

  /** One answer for each query, which has a picture or, where the model reads, words. */
  async answer(queries: readonly PreparedQuery[]): Promise<EncodedQuery[]> {
    const squares = queries.flatMap(({ pixels }) => pixels ?? []);
    const pictured = queries.flatMap(({ pixels }, i) => (pixels ? [i] : []));
    const encoded = await this.#encode(squares);
    const rowOf = new Map(pictured.map((i, row) => [i, row]));
    const worded = queries.flatMap(({ text }, i) => (text !== undefined && hasWords(text) ? [i] : []));
    const texts = worded.map((i) => queries[i]?.text ?? "");
    const regions = worded.map((i) => encoded?.regions(rowOf.get(i)));
    const composed = await this.#compose(texts, regions);
    return queries.map((_, i): EncodedQuery => {
      const place = worded.indexOf(i);
      if (place >= 0 && composed) return composed(place, rowOf.has(i));
      const embedding = encoded?.embedding(rowOf.get(i) ?? 0) ?? new Float32Array();
      return { embedding, routes: [], unknownWords: [] };
    });
  }

  /** Squares of resizePx -> embedding and regions by row; undefined for none. */
  async #encode(squares: readonly Uint8Array[]) {
    if (squares.length === 0) return undefined;
    const { resizePx, cropPx } = this.#manifest.preprocessing.image;
    const source = { sizePx: resizePx, pixels: async (row: string) => squares[Number(row)] as Uint8Array };
    const crops = squares.map(() => centreCrop(resizePx, cropPx));
    const rows = squares.map((_, row) => String(row));
    const images = await stackCrops(source, rows, { crops, cropPx });
    const { embeddings, regions } = await this.#images.run({ images });
    return {
      embedding: (row: number) => rowOfTensor(embeddings, row),
      regions: (row: number | undefined) =>
        row === undefined ? undefined : rowOfTensor(regions, row, { isView: true }),
    };
  }

  /** Texts with their pictures' regions, zeros where there is none; undefined for no text. */
  async #compose(texts: readonly string[], regions: readonly (Float32Array | undefined)[]) {
    if (texts.length === 0) return undefined;
    const { embedDim, regions: grid, preprocessing } = this.#manifest;
    const regionCount = grid.rows * grid.columns;
    const data = new Float32Array(texts.length * regionCount * embedDim);
    for (const [i, own] of regions.entries()) if (own) data.set(own, i * regionCount * embedDim);
    const { maxWords } = preprocessing.text;
    // Padding costs cross attention time: the longest text has none.
    const longest = Math.max(...texts.map((text) => this.#vocabulary.encode(text, maxWords).length));
    const { tokens, lengths } = encodeTexts(this.#vocabulary, texts, longest);
    const shape = [texts.length, regionCount, embedDim];
    const feeds: Feeds = { tokens, lengths, regions: { dtype: "float32", shape, data } };
    const used = Object.entries(feeds).filter(([name]) => this.#queries.inputs.has(name));
    const results = await this.#queries.run(Object.fromEntries(used));
    const layers = Object.keys(results)
      .filter((name) => name.startsWith("routes."))
      .sort((a, b) => Number(a.slice(7)) - Number(b.slice(7)))
      .map((name) => results[name] as Tensor);
    return (row: number, hasPicture: boolean): EncodedQuery => {
      const text = texts[row] ?? "";
      const attention = hasPicture ? this.#attentionAt(results.attention, row, text) : undefined;
      return {
        embedding: rowOfTensor(results.embeddings, row),
        routes: layers.map((layer) => matrixAt(layer, row)),
        unknownWords: this.#vocabulary.unknownWords(text),
        ...(attention ? { attention } : {}),
      };
    };
  }

  #attentionAt(weights: Tensor | undefined, row: number, text: string): WordAttention | undefined {
    if (!weights) return undefined;
    const { regions, preprocessing } = this.#manifest;
    const words = this.#vocabulary.piecesOf(text).slice(0, preprocessing.text.maxWords);
    const own = rowOfTensor(weights, row).slice(0, words.length * regions.rows * regions.columns);
    return { words, ...regions, weights: own };
  }
}

function readVocabulary(dir: string, manifest: BundleManifest): Vocabulary {
  const bytes = readBundleFile(dir, manifest, bundleFiles.vocabulary);
  try {
    return Vocabulary.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw new BundleError(`${dir}: ${bundleFiles.vocabulary} is not a vocabulary; got ${cause}`, { cause });
  }
}

async function openGraph(
  dir: string,
  manifest: BundleManifest,
  kind: "images" | "queries",
  options: SessionOptions,
): Promise<GraphSession<string>> {
  const { file, inputs, outputs } = manifest.graphs[kind];
  const bytes = readBundleFile(dir, manifest, file);
  let session: GraphSession<string>;
  try {
    session = await GraphSession.open(bytes, options);
  } catch (cause) {
    throw new BundleError(
      `${dir}: ${file} cannot be loaded; got ${cause instanceof Error ? cause.message : cause}; export the run again`,
      { cause },
    );
  }
  const described = (values: Readonly<Record<string, { dtype: string; shape: readonly unknown[] }>>) =>
    JSON.stringify(Object.entries(values).map(([name, { dtype, shape }]) => [name, dtype, shape]));
  const isAsDescribed =
    described(inputs) === described(Object.fromEntries(session.inputs)) &&
    JSON.stringify(Object.keys(outputs)) === JSON.stringify(session.outputNames);
  if (!isAsDescribed) {
    await session.release();
    throw new BundleError(
      `${dir}: ${file} does not take and give what the manifest says; export the run again`,
    );
  }
  return session;
}

/** x[row] of x [B, ...], a copy unless it is used at once. */
function rowOfTensor(
  x: Tensor | undefined,
  row: number,
  { isView = false }: { readonly isView?: boolean } = {},
): Float32Array {
  const data = (x?.data ?? new Float32Array()) as Float32Array;
  const size = data.length / (x?.shape[0] ?? 1);
  return isView ? data.subarray(row * size, (row + 1) * size) : data.slice(row * size, (row + 1) * size);
}

/** x[row] of x [B, M, J] as rows of numbers. */
function matrixAt(x: Tensor, row: number): number[][] {
  const [, rowCount = 0, columnCount = 0] = x.shape;
  const values = rowOfTensor(x, row);
  return Array.from({ length: rowCount }, (_, i) =>
    Array.from(values.subarray(i * columnCount, (i + 1) * columnCount)),
  );
}
