/**
 * The public surface `sdfn`: errors, models as bundles, pictures; and all of `sdfn/search` and `sdfn/service`, for programs
 * of shops. Re-exports only.
 */

export { type OpenBundleOptions, openBundle } from "./bundle/open-bundle.js";
export type { EncodedQuery, Encoder, EncoderQuery, Picture, WordAttention } from "./embedding/encoder.js";
export { Random } from "./engine/tensor/random.js";
export * from "./errors.js";
export { type DecodedImage, type DecodeOptions, decodeImage } from "./images/image.js";
export * from "./public/search.js";
export * from "./public/service.js";
