/** `sdfn ablate`: the paper's Table 3, SDFN without its parts. */
import type { Command } from "commander";
import { z } from "zod";
import { UsageError } from "../../errors.js";
import type { GridRow } from "../../experiments/grid-cells.js";
import { operationModuleNames } from "../../models/sdfn/config.js";
import { resolveRunConfig } from "../../runs/run-config.js";
import { option, type Values } from "../flags/option.js";
import { optionCommand } from "../flags/option-command.js";
import type { CommandContext } from "../terminal/context.js";
import { gridConfigFile, gridHelp, gridOptions, runGridCommand } from "./grid-command.js";

const model = "sdfn";
const off = { lambda1: 0, lambda2: 0 };
const full = "full";

/** Table 3 in its order; a loss that is on has the configuration's own weight. */
const settings: readonly GridRow[] = [
  { name: "baseline", title: "Baseline", model, fields: { router: "none", ...off } },
  { name: "sr", title: "+ SR", model, fields: { router: "shared", ...off } },
  { name: "msr", title: "+ MSR", model, fields: { router: "modality-specific", ...off } },
  { name: "lc", title: "+ L_c", model, fields: { router: "none", lambda1: 0 } },
  { name: "lc-sr", title: "+ L_c + SR", model, fields: { router: "shared", lambda1: 0 } },
  { name: "lc-msr", title: "+ L_c + MSR", model, fields: { router: "modality-specific", lambda1: 0 } },
  { name: full, title: "+ L_c + MSR + SPD", model, fields: { router: "modality-specific" } },
];
const withoutModule = operationModuleNames.map(
  (left): GridRow => ({
    name: `no-${left}`,
    title: `without ${left.toUpperCase()}`,
    model,
    fields: {
      router: "modality-specific",
      modules: operationModuleNames.filter((name) => name !== left),
    },
    against: full,
  }),
);
const allRows = [...settings, ...withoutModule];
const names = allRows.map(({ name }) => name);

const someRows = z.string().transform((list, context): readonly GridRow[] => {
  const asked = list.split(",").map((name) => name.trim());
  if (asked.some((name) => !names.includes(name))) {
    context.addIssue({
      code: "custom",
      message: `must be names out of ${names.join(", ")}, with commas between them`,
    });
  }
  return allRows.filter(({ name }) => asked.includes(name));
});

const options = [
  ...gridOptions,
  option("--rows <names>", `some of ${names.join(",")}`, someRows, { otherwise: "all" }),
];

/** The command, ready to be added to a program. */
export function ablateCommand(context: CommandContext): Command {
  return optionCommand("ablate", options, ({ rows = allRows, ...flags }) => {
    checkLosses(rows, flags, context);
    return runGridCommand(
      {
        command: "ablate",
        rows,
        title: "SDFN without its parts",
        lead: "The paper’s Table 3: routers, consistency and distillation added one by one, then all of it without each operation module.",
      },
      flags,
      context,
    );
  })
    .description(
      "Train SDFN with and without its parts, as in the paper's Table 3: no router, a shared one (SR), one for each\n" +
        "modality (MSR), consistency (L_c), self path distillation (SPD), and all of it without each of the four modules.",
    )
    .addHelpText(
      "after",
      `${gridHelp}Rows are compared with the first; those without a module with "full".\n\nExamples:\n` +
        "  $ sdfn ablate --data data/synthetic --out runs/ablate --config configs/demo.json --set lambda2=0.1\n" +
        "  $ sdfn ablate --data data/fashioniq --out runs/routers --rows baseline,sr,msr --seeds 5",
    );
}

/**
 * A loss of weight 0 would make two rows of the table the same. Distillation's teacher is the model of the epoch before,
 * so with one epoch there is none, which is noted.
 * @throws UsageError; ConfigError for wrong fields.
 */
function checkLosses(
  rows: readonly GridRow[],
  flags: Omit<Values<typeof options>, "rows">,
  { stderr }: CommandContext,
): void {
  const { modelConfig, training } = resolveRunConfig({ ...gridConfigFile(flags), model, set: flags.set });
  const needing = (weight: "lambda1" | "lambda2") => rows.some(({ fields: own = {} }) => !(weight in own));
  const zero = (["lambda1", "lambda2"] as const).filter(
    (weight) => modelConfig[weight] === 0 && needing(weight),
  );
  if (zero.length > 0) {
    throw new UsageError(
      `sdfn ablate: rows with a loss need its weight; got ${zero.map((weight) => `${weight} 0`).join(", ")} in the configuration; ` +
        `set it, for example --set ${zero.map((weight) => `${weight}=0.1`).join(" ")}, or leave those rows out with --rows`,
    );
  }
  if (training.epochs === 1 && needing("lambda1") && !flags.json) {
    stderr.write("one epoch has no teacher: SPD will change nothing; --set epochs=2 or more\n");
  }
}
