/** The public surface of the package: re-exports only. */
export * from "./errors.js";
export type { EncodedQuery, Encoder, EncoderQuery, Picture, WordAttention } from "./retrieval/encoder.js";
export { type OpenBundleOptions, openBundle } from "./retrieval/open-bundle.js";
export { Random } from "./tensor/random.js";
