/** `sdfn search`: ranks pictures for a reference image and a modification text. */
import type { Command } from "commander";
import { untilAborted } from "../../until-aborted.js";
import { OptionCommand } from "../flags/option-command.js";
import { readOptions } from "../flags/read-options.js";
import type { CommandContext } from "../terminal/context.js";
import { indexedSearchOptions, inIndexOptions, searchIndex } from "./search-index.js";
import { queryOptions } from "./search-query.js";
import { inDatasetOptions, runSearchOptions, searchRun } from "./search-run.js";

const options = [...queryOptions, "In an index:", ...inIndexOptions, "In a data set:", ...inDatasetOptions];

/** The command, ready to be added to a program. */
export function searchCommand(context: CommandContext): Command {
  return new OptionCommand("search", options, (given) =>
    untilAborted(context.signal, () =>
      given.values.index === undefined
        ? searchRun(readOptions(given, runSearchOptions, "need --index"), context)
        : searchIndex(readOptions(given, indexedSearchOptions, "cannot stand beside --index"), context),
    ),
  )
    .description(
      "Find pictures with a reference picture and a sentence that says what should be different: in an index\n" +
        "(--index), or among the pictures of a data set (--run and --data), which are all embedded first.\n" +
        "Prints ranked items with their scores (cosine, -1 to 1) and the query's route weights.",
    )
    .addHelpText(
      "after",
      "\nSeveral --image and --text in an index: the first belongs to the first, and so on; one alone belongs to all.\n" +
        "The weighted sum of their embeddings is searched for.\n" +
        "\nExamples:\n" +
        '  $ sdfn search --index shop-index --image photo.jpg --text "is red with long sleeves" --html found.html\n' +
        "  $ sdfn search --index shop-index --text 'a red dress' --filter 'price<=40' --filter 'colour!=blue|black'\n" +
        "  $ sdfn search --index shop-index --image A1 --image B2 --weight 1 --weight 0.5 -k 20 --offset 20 --json\n" +
        '  $ sdfn search --run runs/sdfn --data data/synthetic --image photo.jpg --text "red, with long sleeves"',
    );
}
