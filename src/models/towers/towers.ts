/** A pretrained model of an image tower, a text tower, or both, and the reading of its published weights. */
import type { Parameter } from "../../engine/graph/value.js";
import type { Random } from "../../engine/tensor/random.js";
import { formatShape, type StaticShape, sameShape } from "../../engine/tensor/shape.js";
import type { Tensor } from "../../engine/tensor/tensor.js";
import { StateDictError, WeightsError } from "../../errors.js";
import { filled, type InitialValues, parameter } from "../../nn/initial-values.js";
import { Module } from "../../nn/module.js";
import {
  isIgnored,
  type NameForm,
  nameFormOf,
  placeOf,
  type TensorPlace,
  towerOf,
  withoutWrapper,
} from "./tensor-names.js";
import { TextTower } from "./text-tower.js";
import type { TowersConfig } from "./tower-config.js";
import { VisionTower } from "./vision-tower.js";

type Tensors = ReadonlyMap<string, Tensor>;

/** Problems of each kind that a message lists; a file of another model has hundreds. */
const listedCount = 20;

export interface TowersOptions {
  /** Of tables and weights; small random numbers by default. */
  readonly initial?: InitialValues;
}

/** The towers that a configuration has. To build one of two, leave the other out of the configuration. */
export class Towers extends Module {
  readonly config: TowersConfig;
  readonly vision: VisionTower | undefined;
  readonly text: TextTower | undefined;
  /** [], a logarithm: logits = e^logit_scale · cosine + logit_bias. */
  readonly logit_scale: Parameter | undefined;
  readonly logit_bias: Parameter | undefined;

  constructor(config: TowersConfig, random: Random, { initial }: TowersOptions = {}) {
    super();
    const areBoth = config.vision !== undefined && config.text !== undefined;
    this.config = config;
    this.vision = config.vision && new VisionTower(config.vision, random, initial);
    this.text = config.text && new TextTower(config.text, random, initial);
    this.logit_scale = areBoth && config.hasScale ? parameter([], filled(Math.log(100))) : undefined;
    this.logit_bias = areBoth && config.hasBias ? parameter([], filled(0)) : undefined;
  }

  /**
   * Takes over the weights of a published file, whoever wrote it. Tensors of a tower that is not here are passed over.
   * @param where the file, for messages.
   * @throws StateDictError that lists every difference by the file's names; nothing has changed then.
   */
  loadWeights(tensors: Tensors, where: string): void {
    const { values, problems } = tensorsOf(this, tensors, where);
    if (problems.length > 0) {
      throw new StateDictError(
        `${where}: does not hold the towers that its configuration states:\n${problems.map((line) => `  - ${line}`).join("\n")}`,
      );
    }
    for (const [name, own] of this.state()) own.data = values.get(name) ?? own.data;
  }
}

/** What a file has for each name of ours, and in what it differs. */
function tensorsOf(
  towers: Towers,
  tensors: Tensors,
  where: string,
): { readonly values: ReadonlyMap<string, Float32Array<ArrayBuffer>>; readonly problems: readonly string[] } {
  const form = nameFormOf(tensors.keys());
  const bare = new Map([...tensors].map(([name, tensor]) => [withoutWrapper(name), tensor]));
  const values = new Map<string, Float32Array<ArrayBuffer>>();
  const used = new Set<string>();
  const [missing, misshapen]: [string[], string[]] = [[], []];
  for (const [own, { shape }] of towers.state()) {
    const place = placeOf(own, form, towers.config);
    const tensor = bare.get(place.name);
    used.add(place.name);
    if (!tensor) missing.push(place.name);
    else {
      const taken = takeFrom(tensor, place, shape, `${where}: tensor "${place.name}"`);
      if (taken) values.set(own, taken);
      else
        misshapen.push(
          `${place.name} has shape ${formatShape(tensor.shape)}, for ${formatShape(shape)} of ${own}`,
        );
    }
  }
  const unexpected = [...bare.keys()].filter((name) => {
    return !used.has(name) && !isIgnored(name) && isOfThese(towers, name, form);
  });
  const problems = [
    ...listed("missing", [...new Set(missing)]),
    ...listed("unexpected", unexpected),
    ...listed("", misshapen),
  ];
  return { values, problems };
}

function isOfThese({ vision, text }: Towers, name: string, form: NameForm): boolean {
  const tower = towerOf(name, form);
  if (tower === undefined) return vision !== undefined && text !== undefined;
  return (tower === "vision" ? vision : text) !== undefined;
}

function listed(kind: string, entries: readonly string[]): string[] {
  const lines = entries.slice(0, listedCount).map((entry) => `${kind} ${entry}`.trim());
  const rest = entries.length - lines.length;
  return rest > 0 ? [...lines, `and ${rest} more ${kind}`.trim()] : lines;
}

/**
 * The values of `place` as those of a parameter of `shape`; undefined where the shapes do not fit. Axes of length 1 in
 * front do not count, and a matrix may be a filter [out, in, height, width] in the file.
 */
export function takeFrom(
  { dtype, shape, data }: Tensor,
  { isTransposed, part }: TensorPlace,
  wanted: StaticShape,
  where: string,
): Float32Array<ArrayBuffer> | undefined {
  if (dtype !== "float32") throw new WeightsError(`${where} must be of floating point; got ${dtype}`);
  const values = data as Float32Array<ArrayBuffer>;
  const [rows = 1, ...rest] = wanted;
  const whole = [rows * (part?.count ?? 1), ...rest];
  if (isTransposed) {
    const [inFeatures = 0, outFeatures = 0] = shape;
    return sameShape(shape, wanted.toReversed()) ? turned(values, inFeatures, outFeatures) : undefined;
  }
  if (!fits(shape, whole)) return undefined;
  if (!part) return values;
  const size = values.length / part.count;
  return values.slice(part.index * size, (part.index + 1) * size);
}

function fits(given: StaticShape, wanted: StaticShape): boolean {
  if (sameShape(withoutLeadingOnes(given), withoutLeadingOnes(wanted))) return true;
  const [out = 0, channels, height = 0, width = 0] = given;
  return given.length === 4 && channels === 3 && sameShape(wanted, [out, 3 * height * width]);
}

function withoutLeadingOnes(shape: StaticShape): StaticShape {
  const first = shape.findIndex((dim) => dim !== 1);
  return first === -1 ? [] : shape.slice(first);
}

function turned(values: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      result[column * rows + row] = values[row * columns + column] ?? 0;
    }
  }
  return result;
}

/**
 * The configuration of what a file really has: a file of one tower of CLIP may come without its projection, which the
 * configuration states all the same.
 */
export function withoutAbsentProjection(config: TowersConfig, names: Iterable<string>): TowersConfig {
  const bare = new Set([...names].map(withoutWrapper));
  const { family, vision, text } = config;
  if (family !== "clip" || (vision && text) || nameFormOf(bare) !== "huggingFace") return config;
  const without = { projectionDim: undefined } as const;
  return {
    ...config,
    vision: vision && !bare.has("visual_projection.weight") ? { ...vision, ...without } : vision,
    text: text && !bare.has("text_projection.weight") ? { ...text, ...without } : text,
  };
}
