/** Every text encoder by name. A new one is a file that extends `TextEncoder`, and a line here. */
import type { Random } from "../../engine/tensor/random.js";
import type { EncoderConfig } from "../encoder-config.js";
import type { TextEncoder } from "../text-encoder.js";
import { LstmTextEncoder } from "./lstm.js";

type TextEncoderClass = new (config: EncoderConfig, tokenCount: number, random: Random) => TextEncoder;

const textEncoders: Readonly<Record<EncoderConfig["textEncoder"], TextEncoderClass>> = {
  lstm: LstmTextEncoder,
};

/** The text encoder that the configuration names. @param tokenCount the tokeniser's `size`. */
export function createTextEncoder(config: EncoderConfig, tokenCount: number, random: Random): TextEncoder {
  return new textEncoders[config.textEncoder](config, tokenCount, random);
}
