/** The public surface of the package: re-exports only. */
export * from "./errors.js";
export { Random } from "./tensor/random.js";
