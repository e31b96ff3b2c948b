/** The floors of the house: which folder lies above which. docs/architecture.md shows the same list. */

/**
 * From the top floor down. A folder may import itself and every folder on a lower floor, and nothing else.
 * A folder that is not listed may not exist.
 */
export const floors: readonly (readonly string[])[] = [
  ["parity"],
  ["cli"],
  ["experiments"],
  ["training", "service", "report"],
  ["search", "bundle", "evaluation"],
  ["embedding", "runs"],
  ["data"],
  ["models", "text"],
  ["nn", "weights", "images"],
  ["engine/autodiff", "engine/runtime"],
  ["engine/ops"],
  ["engine/graph"],
  ["engine/onnx", "tensor-files"],
  ["engine/tensor", "catalogue"],
  ["files"],
  ["errors", "number-text", "until-aborted", "visible-text", "worker-thread"],
];

/** The listed folder that a file lies in: "engine/ops/matmul.ts" -> "engine/ops"; undefined for the public surface. */
export function roomOf(path: string): string | undefined {
  return floors.flat().find((room) => path.startsWith(`${room}/`) || path === `${room}.ts`);
}

/** How high a room lies: 0 is the ground. */
export function floorOf(room: string): number {
  return floors.length - 1 - floors.findIndex((rooms) => rooms.includes(room));
}
