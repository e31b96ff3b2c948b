/** The cells of a grid: every row of its table at every seed, with equal budgets. */
import { ConfigError, UsageError } from "../errors.js";
import { hasField, modelsWithField } from "../runs/foreign-fields.js";
import { isFields, type RunConfig, resolveRunConfig } from "../runs/run-config.js";

/** A row of the table. */
export interface GridRow {
  /** Letters, digits and dashes: it names folders. */
  readonly name: string;
  /** As tables show it: "+ L_c + MSR". */
  readonly title: string;
  /** Name of a model of the project, or of one that was loaded from a file. */
  readonly model: string;
  /** Fields of the model's own recipe: over the configuration file that all have, under the assignments for all. */
  readonly recipe?: Readonly<Record<string, unknown>>;
  /** What this row changes in the configuration that all have. */
  readonly fields?: Readonly<Record<string, unknown>>;
  /** Name of the row it is compared with; the first one by default. */
  readonly against?: string;
  /** Of a row that is one of a model's, by percent of mismatched training triplets: the model's title, and the percent. */
  readonly mismatched?: { readonly title: string; readonly percent: number };
}

/** One training. */
export interface GridCell {
  readonly row: GridRow;
  readonly seed: number;
  /** "tirg-seed2": the cell's folder. */
  readonly name: string;
  readonly config: RunConfig;
  /** It is trained to be looked at on triplets held out of train, and never evaluated. */
  readonly trainsOnly?: boolean;
}

export interface GridPlan {
  readonly rows: readonly GridRow[];
  readonly seeds: readonly number[];
  /** Content of a configuration file. */
  readonly file?: unknown;
  /** Assignments for all rows. */
  readonly set: readonly string[];
}

export interface PlannedCells {
  /** All rows at the first seed, then all at the next: a grid that is stopped can be compared already. */
  readonly cells: readonly GridCell[];
  /** Fields that only some models have, with those. */
  readonly partial: ReadonlyMap<string, readonly string[]>;
}

/**
 * Every cell with its configuration. Training fields are those of all rows, so that steps, batches and the order of the
 * data are the same at equal seeds. A field that only some models have goes to these.
 * @throws ConfigError, UsageError that list what is wrong in any row.
 */
export function planCells({ rows, seeds, file = {}, set }: GridPlan): PlannedCells {
  const owned = set.filter((assignment) => ["model", "seed"].includes(nameOf(assignment)));
  if (owned.length > 0) {
    throw new UsageError(
      `--set: the grid chooses models and seeds itself; got ${owned.join(", ")}; leave them out, see --seeds`,
    );
  }
  const models = [...new Set(rows.map(({ model }) => model))];
  const partial = new Map<string, readonly string[]>();
  const placeless = new Set<string>();
  for (const name of [...Object.keys(isFields(file) ? file : {}), ...set.map(nameOf)]) {
    const having = models.filter((model) => hasField(model, name));
    if (having.length === 0) placeless.add(name);
    else if (having.length < models.length) partial.set(name, having);
  }
  /** What is wrong, with the rows that it is wrong of. */
  const problems = new Map<string, Set<string>>();
  const cells = seeds.flatMap((seed) =>
    rows.flatMap((row): GridCell[] => {
      const isOwn = (name: string) =>
        !placeless.has(name) && (partial.get(name)?.includes(row.model) ?? true);
      const ofFile = isFields(file) ? Object.entries(file).filter(([name]) => isOwn(name)) : [];
      try {
        const config = resolveRunConfig({
          file: isFields(file) ? { ...Object.fromEntries(ofFile), ...row.recipe } : file,
          model: row.model,
          seed,
          set: [...set.filter((assignment) => isOwn(nameOf(assignment))), ...assignments(row.fields)],
        });
        return [{ row, seed, name: `${row.name}-seed${seed}`, config }];
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        problems.set(error.message, (problems.get(error.message) ?? new Set()).add(row.title));
        return [];
      }
    }),
  );
  if (problems.size + placeless.size > 0) {
    throw new ConfigError(
      [
        ...[...placeless].map(placelessProblem),
        ...[...problems].map(([message, titles]) => `${[...titles].join(", ")}: ${message}`),
      ].join("\n"),
    );
  }
  return { cells, partial };
}

/** What is said of a field that no compared model has. */
function placelessProblem(name: string): string {
  const having = modelsWithField(name);
  return having.length > 0
    ? `${name}: a field of ${having.join(", ")}, and not compared here; compare one of these, or leave the field out`
    : `${name}: no model has a field of this name; leave it out, or write it as src/runs/training-fields.ts or the model does`;
}

function nameOf(assignment: string): string {
  return assignment.slice(0, assignment.indexOf("="));
}

function assignments(fields: GridRow["fields"] = {}): readonly string[] {
  return Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
}
