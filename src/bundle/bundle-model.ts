/** A bundle's models in memory: prepares and embeds a batch. Occupies the thread it runs on; `BundleEncoder` gives it one. */
import type { EncodedQuery, WordAttention } from "../embedding/encoder.js";
import { PairScorer } from "../embedding/pair-scorer.js";
import { composeQueries, type FeatureShapes, featuresAt, matrixAt, rowOf } from "../embedding/query-graph.js";
import { GraphSession, type SessionOptions } from "../engine/runtime/session.js";
import type { Tensor } from "../engine/tensor/tensor.js";
import { BundleError } from "../errors.js";
import { centreCrop, stackCrops } from "../images/crops.js";
import { encodeTexts } from "../text/encode-texts.js";
import { hasWords, Vocabulary } from "../text/vocabulary.js";
import {
  type BundleGraphDescription,
  type BundleManifest,
  bundleFiles,
  readBundleFile,
} from "./bundle-manifest.js";

/** How far beyond a text's end a model of the project looks: CLVC-Net's two convolutions over three words, one after the other. */
const seenPadding = 2;

/** A query whose picture was decoded. */
export interface PreparedQuery {
  /** RGB [resizePx, resizePx, 3] of the bundle. */
  readonly pixels?: Uint8Array | undefined;
  readonly text?: string | undefined;
}

interface Sessions {
  readonly images: GraphSession<string>;
  readonly queries: GraphSession<string>;
  readonly pairs: GraphSession<string> | undefined;
}

/** Queries and gallery rows that are to be scored with each other, rows one after the other. */
export interface PairRows {
  readonly queries: Float32Array;
  readonly gallery: Float32Array;
}

export class BundleModel {
  readonly #manifest: BundleManifest;
  readonly #vocabulary: Vocabulary;
  readonly #sessions: Sessions;
  readonly #shapes: FeatureShapes;

  private constructor(manifest: BundleManifest, vocabulary: Vocabulary, sessions: Sessions) {
    this.#manifest = manifest;
    this.#vocabulary = vocabulary;
    this.#sessions = sessions;
    this.#shapes = featureShapesOf(manifest);
  }

  /** Loads what the manifest lists. @throws BundleError when a file is damaged or not what the manifest says. */
  static async load(
    dir: string,
    manifest: BundleManifest,
    session: SessionOptions = {},
  ): Promise<BundleModel> {
    const vocabulary = readVocabulary(dir, manifest);
    const { pairs } = manifest.graphs;
    return new BundleModel(manifest, vocabulary, {
      images: await openGraph(dir, manifest, manifest.graphs.images, session),
      queries: await openGraph(dir, manifest, manifest.graphs.queries, session),
      pairs: pairs && (await openGraph(dir, manifest, pairs, session)),
    });
  }

  /** One answer for each query, which has a picture or, where the model reads, words. */
  async answer(queries: readonly PreparedQuery[]): Promise<EncodedQuery[]> {
    const squares = queries.flatMap(({ pixels }) => pixels ?? []);
    const pictured = queries.flatMap(({ pixels }, i) => (pixels ? [i] : []));
    const encoded = await this.#encode(squares);
    const places = new Map(pictured.map((i, row) => [i, row]));
    const worded = queries.flatMap(({ text }, i) => (text !== undefined && hasWords(text) ? [i] : []));
    const texts = worded.map((i) => queries[i]?.text ?? "");
    const references = worded.map((i) => encoded?.features(places.get(i)));
    const composed = await this.#compose(texts, references);
    return queries.map((_, i): EncodedQuery => {
      const place = worded.indexOf(i);
      if (place >= 0 && composed) return composed(place, places.has(i));
      const embedding = encoded?.embedding(places.get(i) ?? 0) ?? new Float32Array();
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
    const outputs = await this.#sessions.images.run({ images });
    return {
      embedding: (row: number) => rowOf(outputs.embeddings as Tensor, row),
      features: (row: number | undefined) =>
        row === undefined ? undefined : featuresAt(outputs, { shapes: this.#shapes, row, isView: true }),
    };
  }

  /** Texts with the features of their pictures, zeros where there is none; undefined for no text. */
  async #compose(texts: readonly string[], references: readonly (Float32Array | undefined)[]) {
    if (texts.length === 0) return undefined;
    const { maxWords } = this.#manifest.preprocessing.text;
    // Padding costs cross attention time, but a text must have as much as its words can see: its neighbours in the batch
    // would change its embedding otherwise.
    const longest = Math.max(...texts.map((text) => this.#vocabulary.encode(text, maxWords).length));
    const places = Math.min(longest + seenPadding, maxWords);
    const { embeddings, routes, attention, pairRows } = await composeQueries(this.#sessions.queries, {
      shapes: this.#shapes,
      references,
      texts: encodeTexts(this.#vocabulary, texts, places),
    });
    return (row: number, hasPicture: boolean): EncodedQuery => {
      const text = texts[row] ?? "";
      return {
        embedding: rowOf(embeddings, row),
        routes: routes.map((layer) => matrixAt(layer, row)),
        unknownWords: this.#vocabulary.unknownWords(text),
        attention: hasPicture ? this.#attentionAt(attention, row, text) : undefined,
        pairRow: pairRows && rowOf(pairRows, row),
      };
    };
  }

  /** Scores of queries [Q, W], as `EncodedQuery.pairRow` has them, with unit embeddings [M, E]: [Q, M]. */
  async scorePairs({ queries, gallery }: PairRows): Promise<Float32Array> {
    const { pairs } = this.#sessions;
    if (!pairs) throw new BundleError(`${this.#manifest.model}: does not score pairs`);
    return new PairScorer(pairs, gallery).score(queries);
  }

  #attentionAt(weights: Tensor | undefined, row: number, text: string): WordAttention | undefined {
    if (!weights) return undefined;
    const { regions, preprocessing } = this.#manifest;
    const words = this.#vocabulary.piecesOf(text).slice(0, preprocessing.text.maxWords);
    const own = rowOf(weights, row).slice(0, words.length * regions.rows * regions.columns);
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
  { file, inputs, outputs }: BundleGraphDescription,
  options: SessionOptions,
): Promise<GraphSession<string>> {
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

/** Features of a picture: what the image encoder gives beside the embedding. */
function featureShapesOf({ graphs }: BundleManifest): FeatureShapes {
  const { embeddings: _, ...features } = graphs.images.outputs;
  return new Map(
    Object.entries(features).map(([name, { shape }]) => [
      name,
      [Number(shape[1]), Number(shape[2])] as const,
    ]),
  );
}
