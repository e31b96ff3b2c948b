/** What differs between two pictures of one design: pose, light, folds, cloth and surroundings. */
import type { Random } from "../../engine/tensor/random.js";

/** How the garment is presented. */
export const stages = ["mannequin", "hanger", "flat"] as const;
const backdrops = ["plain", "gradient", "room", "panel"] as const;
const sceneProps = ["none", "plant", "frame", "stool"] as const;

/** One line of a fold; x from -1 (left side) to 1, y from 0 (waist) to 1 (hem). */
export interface Fold {
  readonly x: number;
  readonly y: number;
  readonly length: number;
  readonly bend: number;
  readonly isDark: boolean;
}

/** Everything about a picture that is not the design. Lengths in percent of the picture's width. */
export interface PictureVariation {
  readonly leanDeg: number;
  readonly offsetX: number;
  readonly offsetY: number;
  readonly scale: number;
  /** Width over height. */
  readonly stretch: number;
  /** Left and right arm, outwards from straight down. */
  readonly armAnglesDeg: readonly [number, number];
  /** -1 is light from the left, 1 from the right. */
  readonly lightFrom: number;
  /** 0 is flat, 1 is deep shadow. */
  readonly shadow: number;
  /** Added to the lightness of all cloth: -0.1 to 0.1. */
  readonly exposure: number;
  /** Added to red and taken from blue: a warm (positive) or cold light. */
  readonly warmth: number;
  readonly folds: readonly Fold[];
  readonly patternShift: readonly [number, number];
  readonly patternScale: number;
  readonly patternTurnDeg: number;
  readonly stage: (typeof stages)[number];
  /** Which of the figure's tones; 0 to 1. */
  readonly figureTone: number;
  readonly backdrop: (typeof backdrops)[number];
  /** Hue in degrees and lightness 0..1 of the backdrop. */
  readonly backdropHue: number;
  readonly backdropLightness: number;
  readonly prop: (typeof sceneProps)[number];
  readonly propSide: -1 | 1;
}

/** A picture's variation; the same stream gives the same picture. */
export function sampleVariation(random: Random): PictureVariation {
  const arm = random.between(13, 30);
  return {
    leanDeg: random.between(-4, 4),
    offsetX: random.between(-3, 3),
    offsetY: random.between(-2, 2),
    scale: random.between(0.94, 1.04),
    stretch: random.between(0.95, 1.05),
    armAnglesDeg: [arm + random.between(-6, 6), arm + random.between(-6, 6)],
    lightFrom: random.between(-1, 1),
    shadow: random.between(0.25, 1),
    exposure: random.between(-0.07, 0.07),
    warmth: random.between(-0.03, 0.03),
    folds: Array.from({ length: 3 + random.integer(4) }, () => ({
      x: random.between(-0.8, 0.8),
      y: random.between(0, 0.45),
      length: random.between(0.3, 0.7),
      bend: random.between(-0.25, 0.25),
      isDark: random.chance(0.65),
    })),
    patternShift: [random.uniform(), random.uniform()],
    patternScale: random.between(0.9, 1.12),
    patternTurnDeg: random.between(-6, 6),
    stage: random.pick(["mannequin", "mannequin", "hanger", "flat"] as const),
    figureTone: random.uniform(),
    backdrop: random.pick(backdrops),
    backdropHue: random.between(0, 360),
    backdropLightness: random.between(0.74, 0.93),
    prop: random.chance(0.6) ? "none" : random.pick(sceneProps),
    propSide: random.chance(0.5) ? 1 : -1,
  };
}
