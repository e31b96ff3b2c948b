/** `sdfn export`: a trained run as ONNX models with all that other programs need to use them. */
import { Command } from "commander";
import { exportBundle } from "../../bundle/export-bundle.js";
import { openRun } from "../../runs/open-run.js";
import { loadRunModel } from "../../runs/run-model.js";
import { untilAborted } from "../../until-aborted.js";
import { readFlags, switchFlag, textFlag } from "../flags/flags.js";
import { runModelFlag, runModelOption } from "../flags/model-flag.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";

const fields = { run: textFlag, model: runModelFlag, out: textFlag, json: switchFlag };

/** The command, ready to be added to a program. */
export function exportCommand(context: CommandContext): Command {
  return new Command("export")
    .description(
      "Write a trained run as a bundle: two ONNX models (pictures; pictures and words), vocabulary, and a manifest\n" +
        "with shapes, preparation, origin and checksums. Index and service run from the bundle alone.",
    )
    .option("--run <dir>", "run folder that `sdfn train` wrote (required)")
    .option(...runModelOption)
    .option("--out <dir>", "folder of the bundle, new or empty (required)")
    .option("--json", "print the manifest's summary as one JSON line instead of text")
    .addHelpText(
      "after",
      "\nThe folder appears whole or not at all. docs/bundle.md describes every file.\n" +
        "\nExamples:\n" +
        "  $ sdfn export --run runs/first --out bundles/first\n" +
        "  $ sdfn export --run runs/demo/sdfn --out bundles/demo --json",
    )
    .action((given: Record<string, unknown>) => untilAborted(context.signal, () => run(given, context)));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { run: runDir, model: file, out, json } = readFlags("export", fields, given);
  await loadRunModel(runDir, file);
  const { modelId, model, embedDim, onnx, files } = exportBundle(openRun(runDir), out);
  if (json) {
    printJson(context, { bundle: out, modelId, model, embedDim, onnx, files });
    return;
  }
  const rows = Object.entries(files).map(([name, { sizeBytes, sha256 }]) => [
    name,
    `${(sizeBytes / 1e6).toFixed(1)} MB`,
    sha256.slice(0, 16),
  ]);
  context.stdout.write(
    `${model}, embeddings of ${embedDim}, ONNX opset ${onnx.opset}, model ${modelId}\n` +
      `${textTable([["file", "size", "sha256"], ...rows])}bundle: ${out}\n`,
  );
}
