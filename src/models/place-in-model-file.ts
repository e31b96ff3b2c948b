/** Tells errors of a user's model file from those of the project. */

/** Where in a model file that was loaded an error began: "my-fusion.mjs:38:12"; undefined when it did elsewhere. */
export function placeInModelFile(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const [, name, place] = /([^/\\\s]+)\?sha256=[0-9a-f]{64}(:\d+:\d+)/.exec(stack) ?? [];
  return name === undefined ? undefined : `${decodeURIComponent(name)}${place}`;
}
