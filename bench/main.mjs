// Benchmarks: `npm run bench -- NAME [options]`.
import { UsageError } from "../dist/errors.js";
import { createProgram } from "./program.mjs";

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 2;
}
