/** `sdfn weights check`: what a weights file holds, and what it sees in images. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { Command } from "commander";
import { UsageError, WeightsError } from "../../errors.js";
import { resNetNames } from "../../models/backbones/resnet-architectures.js";
import { formatCount } from "../../number-text.js";
import { readWeights } from "../../weights/read-weights.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { choice, list, text } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";
import { textTable } from "../terminal/text-table.js";
import { type ClassScore, classifierOf, classifyImages } from "../weights/classify-images.js";
import { describeWeights, type WeightsDescription } from "../weights/describe-weights.js";

const architectures = ["auto", ...resNetNames] as const;
const imageExtensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

const options = [
  option("<file>", "weights file", text, { required: true }),
  option("--image <path...>", "images to classify, or folders of them", list(text)),
  option("--labels <file>", "names of the classes, one a line", text),
  option("--arch <name>", "what it must be", choice(architectures), { default: "auto" }),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function weightsCheckCommand(context: CommandContext): Command {
  return optionCommand("check", options, (flags) => checkWeights(flags, context))
    .description(
      "Read a file of ResNet weights (safetensors, or torchvision's .pth) and compare it with its architecture.\n" +
        "Nothing in the file is executed. With --image, print the five most probable classes of each image.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn weights check resnet50.pth\n" +
        "  $ sdfn weights check resnet18.safetensors --image photos cat.jpg --labels imagenet_labels.txt\n" +
        "  $ sdfn weights check resnet50.pth --arch resnet50 --json",
    );
}

async function checkWeights(
  { file, ...flags }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
  const images = flags.image.flatMap(imagesAt);
  const weights = await readWeights(file);
  const description = describeWeights(weights, {
    file,
    wanted: flags.arch === "auto" ? undefined : flags.arch,
  });
  const labels = flags.labels === undefined ? undefined : readLabels(flags.labels, description.classes);
  const { architecture } = description;
  if (images.length > 0 && !architecture)
    throw new WeightsError(`${file}: holds none of ${resNetNames.join(", ")}; leave --image out`);
  const scores =
    images.length > 0 && architecture
      ? await classifyImages(classifierOf(weights.tensors, { file, architecture }), images)
      : new Map<string, readonly ClassScore[]>();
  if (flags.json) {
    const classified = [...scores].map(([image, top]) => ({
      image,
      top: top.map((score) => ({ ...score, label: labels?.[score.index] ?? null })),
    }));
    printJson(context, {
      file,
      ...description,
      architecture: architecture ?? null,
      classes: description.classes ?? null,
      images: classified,
    });
    return;
  }
  context.stdout.write(describe(file, description));
  for (const [image, top] of scores) {
    const rows = top.map(({ index, probability }) => [
      `  ${labels?.[index] ?? `class ${index}`}`,
      `${(100 * probability).toFixed(1)} %`,
    ]);
    context.stdout.write(`\n${basename(image)}\n${textTable(rows)}`);
  }
}

function describe(file: string, description: WeightsDescription): string {
  const { architecture, classes, ignored, types } = description;
  const kinds = Object.entries(types).map(([type, tensors]) => `${tensors} ${type}`);
  const lines = [
    [
      "architecture",
      architecture ? `${architecture.name}, width ${architecture.width}` : "not a known ResNet",
    ],
    ["classifier", classes === undefined ? "none" : `${formatCount(classes)} classes`],
    ["tensors", `${formatCount(description.tensors)} (${kinds.join(", ")})`],
    ["parameters", formatCount(description.parameters)],
    ["as backbone", ignored.length > 0 ? `ignored: ${summary(ignored)}` : "nothing is ignored"],
    ...(description.isFolded
      ? [["batch norm", "folded (means 0, variances 1): train with --set backboneStatistics=frozen"]]
      : []),
  ];
  return `${file}: ${description.format}\n${lines.map(([name = "", text]) => `  ${name.padEnd(14)}${text}\n`).join("")}`;
}

function summary(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

/** The file, or the images in the folder, sorted by name. @throws UsageError when there is none. */
function imagesAt(path: string): string[] {
  const kind = statSync(path, { throwIfNoEntry: false });
  if (!kind) throw new UsageError(`sdfn weights check: --image ${path} is not there; check the path`);
  if (!kind.isDirectory()) return [path];
  const found = readdirSync(path)
    .filter((name) => imageExtensions.includes(extname(name).toLowerCase()))
    .sort();
  if (found.length === 0)
    throw new UsageError(
      `sdfn weights check: --image ${path} holds no image (${imageExtensions.join(", ")})`,
    );
  return found.map((name) => join(path, name));
}

/** One name a line. @throws UsageError when there are not as many as classes. */
function readLabels(file: string, classes: number | undefined): readonly string[] {
  let labels: readonly string[];
  try {
    labels = readFileSync(file, "utf8").trimEnd().split(/\r?\n/);
  } catch (cause) {
    throw new UsageError(`sdfn weights check: --labels cannot be read; got ${(cause as Error).message}`, {
      cause,
    });
  }
  if (classes !== undefined && labels.length !== classes) {
    throw new UsageError(
      `sdfn weights check: --labels must have a line for each of the ${classes} classes; got ${labels.length}`,
    );
  }
  return labels;
}
