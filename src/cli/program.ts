/** The program and its commands. */
import { Command } from "commander";
import { projectVersion } from "../runs/project-version.js";
import type { CommandContext } from "./terminal/context.js";

/** A command as `sdfn --help` lists it; the rest of it is loaded when it is called. */
interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  load(context: CommandContext): Promise<Command>;
}

/** Every command: one file and one entry each. */
const entries: readonly CommandEntry[] = [
  {
    name: "demo",
    summary: "draw a catalogue, train on it, evaluate, and write a report with pictures",
    load: async (context) => (await import("./commands/demo.js")).demoCommand(context),
  },
  {
    name: "data",
    summary: "make, fetch and check data sets",
    load: async (context) =>
      new Command("data")
        .description("Make, fetch and check data sets.")
        .addCommand((await import("./commands/data-synthetic.js")).dataSyntheticCommand(context))
        .addCommand((await import("./commands/data-fetch.js")).dataFetchCommand(context))
        .addCommand((await import("./commands/data-check.js")).dataCheckCommand(context)),
  },
  {
    name: "triplets",
    summary: "make training triplets of a shop's own catalogue",
    load: async (context) => (await import("./commands/triplets.js")).tripletsCommand(context),
  },
  {
    name: "train",
    summary: "train a model on a data set",
    load: async (context) => (await import("./commands/train.js")).trainCommand(context),
  },
  {
    name: "weights",
    summary: "look into files of pretrained weights",
    load: async (context) =>
      new Command("weights")
        .description("Look into files of pretrained weights.")
        .addCommand((await import("./commands/weights-check.js")).weightsCheckCommand(context)),
  },
  {
    name: "evaluate",
    summary: "recall of a trained model, by category",
    load: async (context) => (await import("./commands/evaluate.js")).evaluateCommand(context),
  },
  {
    name: "export",
    summary: "write a trained model as ONNX files that index, service and other programs run",
    load: async (context) => (await import("./commands/export.js")).exportCommand(context),
  },
  {
    name: "report",
    summary: "a page on one run: training, recall, where it fails",
    load: async (context) => (await import("./commands/report.js")).reportCommand(context),
  },
  {
    name: "compare",
    summary: "train several models over several seeds, and compare them",
    load: async (context) => (await import("./commands/compare.js")).compareCommand(context),
  },
  {
    name: "ablate",
    summary: "train SDFN with and without its parts (Table 3)",
    load: async (context) => (await import("./commands/ablate.js")).ablateCommand(context),
  },
  {
    name: "index",
    summary: "make a shop's catalogue searchable, and keep it up to date",
    load: async (context) => (await import("./commands/index-catalogue.js")).indexCommand(context),
  },
  {
    name: "search",
    summary: "find pictures with a picture and a sentence",
    load: async (context) => (await import("./commands/search.js")).searchCommand(context),
  },
  {
    name: "serve",
    summary: "answer searches in an index over HTTP, with a page for people",
    load: async (context) => (await import("./commands/serve.js")).serveCommand(context),
  },
  {
    name: "key",
    summary: "make and withdraw keys of a service",
    load: async (context) =>
      new Command("key")
        .description("Make and withdraw keys of a service.")
        .addCommand((await import("./commands/key-add.js")).keyAddCommand(context))
        .addCommand((await import("./commands/key-remove.js")).keyRemoveCommand(context)),
  },
];

/** `sdfn`, with the commands that occur in `args` loaded, and the others by name. */
export async function createProgram(args: readonly string[], context: CommandContext): Promise<Command> {
  const program = new Command("sdfn")
    .description("Composed image retrieval: find a picture with a picture and a sentence.")
    .version(projectVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn demo                                       everything below at small size, in minutes\n" +
        "  $ sdfn data synthetic --out data/synthetic        a catalogue of drawn garments\n" +
        "  $ sdfn train --data data/synthetic --out runs/a   train SDFN on it\n" +
        "  $ sdfn evaluate --run runs/a --data data/synthetic\n" +
        '  $ sdfn search --run runs/a --data data/synthetic --image photo.jpg --text "red, with long sleeves"\n' +
        "\nsdfn <command> --help explains a command.\n" +
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Errors start with a code.",
    );
  for (const { name, summary, load } of entries) {
    const command = args.includes(name) ? await load(context) : new Command(name);
    program.addCommand(command.summary(summary));
  }
  return program;
}
