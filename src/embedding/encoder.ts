/** The interface of an encoder: what index and service need of a model, on whichever thread it runs. */
import type { ImageError } from "../errors.js";

/** A picture: a path, or the bytes of a JPEG, PNG or WebP file. */
export type Picture = string | Uint8Array;

/** A query; at least one of its halves is there. */
export interface EncoderQuery {
  /** Without it the text alone is searched for. */
  readonly picture?: Picture | undefined;
  /** Without it, or empty, the picture alone: then the embedding is the one that `embedPictures` gives. */
  readonly text?: string | undefined;
}

/** Route weights of one query, by layer: `weights[i][j]` of source module i for destination j. */
export type RouteWeights = readonly (readonly (readonly number[])[])[];

/** A query as a vector, and how it came about. */
export interface EncodedQuery {
  /** [D], length 1. */
  readonly embedding: Float32Array;
  /** Empty for models without routers, and for queries without a text. */
  readonly routes: RouteWeights;
  /** Words of the text that the model does not know, as they were written. */
  readonly unknownWords: readonly string[];
  /** Where words attend in the picture: CAM's attention, when the model has it and the query has both halves. */
  readonly attention?: WordAttention | undefined;
  /** What `scorePairs` takes of it [W]: for a model that scores pairs, of a query with a text. */
  readonly pairRow?: Float32Array | undefined;
}

/** Attention of the picture's regions to the words, mean over heads. */
export interface WordAttention {
  /** T tokens. */
  readonly words: readonly string[];
  /** Regions are h rows of w, as they lie in the picture's square. */
  readonly rows: number;
  readonly columns: number;
  /** [T, rows · columns]: for each word its share in each region's attention, 0 to 1. */
  readonly weights: Float32Array;
}

export interface EmbedOptions {
  /** Told, for each query, milliseconds of the model's thread: the query's share of its batch, failed ones too. */
  readonly onModelTime?: ((ms: number) => void) | undefined;
}
/** Hears a sentence for a person about a picture, counted from 0. */
export type NoteListener = (index: number, note: string) => void;

/** A model that can be asked. Its work blocks no other thread's; calls may overlap. */
export interface Encoder {
  /** Differs for models whose embeddings cannot be compared: a hash of everything that they depend on. */
  readonly modelId: string;
  /** "sdfn", "tirg", ... */
  readonly model: string;
  /** D */
  readonly embedDim: number;
  /** Operation modules ("jrm", "cam") in the order of the route weights; absent where nobody knows their names. */
  readonly modules?: readonly string[] | undefined;
  /** What the training texts say most often, most frequent first: suggestions for those who type a text. */
  readonly phrases?: readonly string[] | undefined;
  /**
   * Embeddings [D] of length 1 of catalogue pictures, or what is wrong with a picture, one for each.
   * @param onNote is told of pictures whose files are not as they should be and were read all the same.
   */
  embedPictures(
    pictures: readonly Picture[],
    onNote?: NoteListener,
  ): Promise<readonly (Float32Array | ImageError)[]>;
  /** @throws ImageError when a reference picture cannot be read; UsageError for a query without either half. */
  embedQueries(queries: readonly EncoderQuery[], options?: EmbedOptions): Promise<readonly EncodedQuery[]>;
  /** For a model that scores pairs: which images of an index are scored so, the best of a search or all. */
  readonly pairCandidates?: number | "all" | undefined;
  /** Scores of queries by their `pairRow` with unit embeddings, rows [M, D]: for each query one for each row. */
  scorePairs?(
    pairRows: readonly Float32Array[],
    gallery: Float32Array,
    options?: EmbedOptions,
  ): Promise<readonly Float32Array[]>;
  close(): Promise<void>;
}
