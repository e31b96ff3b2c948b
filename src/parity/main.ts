/** `npm run parity -- FOLDER`: compares the project's modules with golden values that PyTorch computed. */
import { runParity } from "./run-parity.js";

process.exitCode = await runParity(process.argv.slice(2), process);
