/** `sdfn export`: a trained run as ONNX models with all that other programs need to use them. */
import type { Command } from "commander";
import { exportBundle } from "../../bundle/export-bundle.js";
import { openRun } from "../../runs/open-run.js";
import { loadRunModel } from "../../runs/run-model.js";
import { untilAborted } from "../../until-aborted.js";
import { runModelOption } from "../flags/model-flag.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { text } from "../flags/option-types.js";
import { jsonOption, runOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";

const options = [
  runOption,
  runModelOption,
  option("--out <dir>", "folder of the bundle, new or empty", text, { required: true }),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function exportCommand(context: CommandContext): Command {
  return optionCommand("export", options, (flags) =>
    untilAborted(context.signal, () => exportRun(flags, context)),
  )
    .description(
      "Write a trained run as a bundle: two ONNX models (pictures; pictures and words), vocabulary, and a manifest\n" +
        "with shapes, preparation, origin and checksums. Index and service run from the bundle alone.",
    )
    .addHelpText(
      "after",
      "\nThe folder appears whole or not at all. docs/bundle.md describes every file.\n" +
        "\nExamples:\n" +
        "  $ sdfn export --run runs/first --out bundles/first\n" +
        "  $ sdfn export --run runs/demo/sdfn --out bundles/demo --json",
    );
}

async function exportRun(
  { run, model: modelFile, out, json }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  await loadRunModel(run, modelFile);
  const { modelId, model, embedDim, onnx, files } = exportBundle(openRun(run), out);
  if (json) {
    printJson(context, { bundle: out, modelId, model, embedDim, onnx, files });
    return;
  }
  const rows = Object.entries(files).map(([name, { sizeBytes, sha256 } = { sizeBytes: 0, sha256: "" }]) => [
    name,
    `${(sizeBytes / 1e6).toFixed(1)} MB`,
    sha256.slice(0, 16),
  ]);
  context.stdout.write(
    `${model}, embeddings of ${embedDim}, ONNX opset ${onnx.opset}, model ${modelId}\n` +
      `${textTable([["file", "size", "sha256"], ...rows])}bundle: ${out}\n`,
  );
}
