/** `sdfn index delete`: removes items from an index. */
import { Command } from "commander";
import { z } from "zod";
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import { readFlags, switchFlag, textFlag } from "../flags/flags.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const fields = { out: textFlag, ids: z.array(textFlag).min(1, "must name an item"), json: switchFlag };

/** The command, ready to be added to a program. */
export function indexDeleteCommand(context: CommandContext): Command {
  return new Command("delete")
    .description("Remove items from an index by their ids.")
    .option("--out <dir>", "folder of the index (required)")
    .option("--ids <id...>", "ids of items; those that are not there do not matter (required)")
    .option("--json", "print one JSON line instead of text")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn index delete --out shop-index --ids A1 A2\n" +
        "  $ sdfn index delete --out shop-index --ids A1 --json",
    )
    .action((_: unknown, command: Command) => run(command.optsWithGlobals(), context));
}

async function run(given: Readonly<Record<string, unknown>>, context: CommandContext): Promise<void> {
  const { out, ids, json } = readFlags("index delete", fields, given);
  const index = await CatalogueIndex.open(out, { access: "write" });
  try {
    const before = await index.store.count();
    await index.delete(ids);
    await index.finish();
    const items = index.manifest.contents.items;
    if (json) printJson(context, { index: out, deleted: before - items, items });
    else context.stdout.write(`${out}: ${before - items} deleted, ${items} left\n`);
  } finally {
    await index.close();
  }
}
