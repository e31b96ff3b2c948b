/** `sdfn search`: ranks pictures for a reference image and a modification text. */
import { Command } from "commander";
import { splitNames } from "../../data/triplet.js";
import { UsageError } from "../../errors.js";
import { untilAborted } from "../../until-aborted.js";
import { datasetOption } from "../flags/dataset-flag.js";
import { filterHelp } from "../flags/filter-flag.js";
import { imageCacheBoundOption, imageCacheOption } from "../flags/image-cache-flags.js";
import { runModelOption } from "../flags/model-flag.js";
import type { CommandContext } from "../terminal/context.js";
import { searchIndex } from "./search-index.js";
import { searchRun } from "./search-run.js";

/** The command, ready to be added to a program. */
export function searchCommand(context: CommandContext): Command {
  return new Command("search")
    .description(
      "Find pictures with a reference picture and a sentence that says what should be different: in an index\n" +
        "(--index), or among the pictures of a data set (--run and --data), which are all embedded first.\n" +
        "Prints ranked items with their scores (cosine, -1 to 1) and the query's route weights.",
    )
    .option(
      "--image <file or id>",
      "a JPEG, PNG or WebP of your own, or an id; may be given several times",
      several,
    )
    .option("--text <text>", "what should be different; may be given several times", several)
    .option("-k <n>", "how many results (default 10)")
    .option("--category <name>", "rank this category only (default all)")
    .option("--html <file>", "also write a page with the pictures and the route through the network")
    .option("--json", "print one JSON line instead of text")
    .optionsGroup("In an index:")
    .option("--index <dir>", "folder that `sdfn index` wrote; --image or --text may then be left out")
    .option("--images <dir>", "folder of the catalogue's pictures, instead of the one that the index says")
    .option("--filter <expression>", `${filterHelp}; may be given several times`, several)
    .option("--offset <n>", "leave out so many of the best, for the next page (default 0)")
    .option("--weight <n>", "how much a query counts, once for each; negative for away from it", several)
    .option("--include-references", "the answers may have the reference itself")
    .option("--exact", "compare every item")
    .optionsGroup("In a data set:")
    .option("--run <dir>", "run folder that `sdfn train` wrote")
    .option(...runModelOption)
    .option("--data <dir>", "folder of the data set whose pictures are ranked")
    .option(...datasetOption)
    .option(
      "--split <name>",
      `pictures of this part are ranked: ${splitNames.join(", ")} (default the data set's own)`,
    )
    .option(...imageCacheOption)
    .option(...imageCacheBoundOption)
    .addHelpText(
      "after",
      "\nSeveral --image and --text in an index: the first belongs to the first, and so on; one alone belongs to all.\n" +
        "The weighted sum of their embeddings is searched for.\n" +
        "\nExamples:\n" +
        '  $ sdfn search --index shop-index --image photo.jpg --text "is red with long sleeves" --html found.html\n' +
        "  $ sdfn search --index shop-index --text 'a red dress' --filter 'price<=40' --filter 'colour!=blue|black'\n" +
        "  $ sdfn search --index shop-index --image A1 --image B2 --weight 1 --weight 0.5 -k 20 --offset 20 --json\n" +
        '  $ sdfn search --run runs/sdfn --data data/synthetic --image photo.jpg --text "red, with long sleeves"',
    )
    .action((given: Record<string, unknown>) => untilAborted(context.signal, () => run(given, context)));
}

function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

const indexOnly = ["images", "filter", "offset", "weight", "includeReferences", "exact"] as const;
const runOnly = ["run", "model", "data", "dataset", "split", "imageCache", "imageCacheGb"] as const;

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const inIndex = given.index !== undefined;
  const wrong = (inIndex ? runOnly : indexOnly).filter((name) => given[name] !== undefined);
  if (wrong.length > 0) {
    const flags = wrong.map((name) => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
    throw new UsageError(
      inIndex
        ? `sdfn search: ${flags.join(", ")} cannot stand beside --index; see sdfn search --help`
        : `sdfn search: ${flags.join(", ")} need --index; see sdfn search --help`,
    );
  }
  if (inIndex) return searchIndex(given, context);
  const single = { ...given };
  for (const name of ["image", "text"]) {
    const values = given[name];
    if (!Array.isArray(values)) continue;
    if (values.length > 1)
      throw new UsageError(`sdfn search: several --${name} need --index; got ${values.join(", ")}`);
    single[name] = values[0];
  }
  return searchRun(single, context);
}
