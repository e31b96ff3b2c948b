/** `sdfn index delete`: removes items from an index. */
import type { Command } from "commander";
import { z } from "zod";
import { CatalogueIndex } from "../../search/index/catalogue-index.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import { text } from "../flags/option-types.js";
import { jsonOption } from "../flags/shared-options.js";
import { type CommandContext, printJson } from "../terminal/context.js";

const options = [
  option("--out <dir>", "folder of the index", text, { required: true }),
  option(
    "--ids <id...>",
    "ids of items; those that are not there do not matter",
    z.array(text).min(1, "must name an item"),
    { required: true },
  ),
  jsonOption,
];

/** The command, ready to be added to a program. */
export function indexDeleteCommand(context: CommandContext): Command {
  return optionCommand("delete", options, (flags) => deleteItems(flags, context))
    .description("Remove items from an index by their ids.")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ sdfn index delete --out shop-index --ids A1 A2\n" +
        "  $ sdfn index delete --out shop-index --ids A1 --json",
    );
}

async function deleteItems(
  { out, ids, json }: Values<typeof options>,
  context: CommandContext,
): Promise<void> {
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
