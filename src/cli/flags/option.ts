/** An option or argument of a command, stated once: its flag, help, type, default and rules. */
import { z } from "zod";

/** One option (`--trec-depth <n>`, `-k <n>`, `--json`) or argument (`<index>`), made by `option`. */
export interface Option<Name extends string = string, Value = unknown> {
  /** What the value is called in code: `trecDepth`. */
  readonly name: Name;
  /** As `--help` shows it: `--trec-depth <n>`. */
  readonly flags: string;
  /** What `--help` says of it, with its choices and its default. */
  readonly help: string;
  /** Turns what was given, or undefined, into the value. */
  readonly schema: z.ZodType<Value>;
  readonly settings: OptionSettings;
}

export interface OptionSettings {
  /** It must be given. */
  readonly required?: true;
  /** Taken when it is not given, checked as if it had been typed. */
  readonly default?: string | number;
  /** What happens when it is not given, for the help, where no value can be named: "the data set's own". */
  readonly otherwise?: string;
  /** Each time that it is given adds a value; its type is a list. */
  readonly repeats?: true;
  /** Flag of an option that must be given too. */
  readonly needs?: string;
  /** Flag of an option that may not be given too. */
  readonly excludes?: string;
}

/** The options of a command, in the order of its help. A text is the heading of those after it. */
export type OptionTable = readonly (Option | string)[];

/** What a command gets: value by name. */
export type Values<Table extends OptionTable> = {
  readonly [Entry in Exclude<Table[number], string> as Entry["name"]]: z.output<Entry["schema"]>;
};

/** @param type schema of the text that is given, or of the list of texts for `<x...>` and `repeats`. */
export function option<Flags extends string, Type extends z.ZodType>(
  flags: Flags,
  help: string,
  type: Type,
  settings: OptionSettings & ({ readonly required: true } | { readonly default: string | number }),
): Option<NameOf<Flags>, z.output<Type>>;
export function option<Flags extends string, Type extends z.ZodType>(
  flags: Flags,
  help: string,
  type: Type,
  settings?: OptionSettings,
): Option<NameOf<Flags>, z.output<Type> | (undefined extends z.input<Type> ? never : undefined)>;
export function option(flags: string, help: string, type: z.ZodType, settings: OptionSettings = {}): Option {
  return {
    name: nameOf(flags),
    flags,
    help: help + choicesOf(type) + notesOf(settings),
    schema: schemaOf(type, settings),
    settings,
  };
}

/** The options of a table without its headings. */
export function optionsOf(table: OptionTable): readonly Option[] {
  return table.filter((entry) => typeof entry !== "string");
}

/** Is it an argument (`<index>`), not an option? */
export function isArgument({ flags }: Option): boolean {
  return flags.startsWith("<");
}

/** "--trec-depth <n>" -> "--trec-depth", "<index>" -> "<index>": how messages call it. */
export function flagOf(option: Option): string {
  const { flags } = option;
  return isArgument(option) ? flags : (flags.split(" ")[0] ?? flags);
}

/** "--trec-depth <n>" -> "trecDepth", "-k <n>" -> "k", "<index>" -> "index". */
export function nameOf(flags: string): string {
  const [, word = ""] = /^(?:--?|<)([\w-]+)/.exec(flags) ?? [];
  return word.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** The same, of types. */
type NameOf<Flags extends string> = Flags extends `${infer Flag} ${string}`
  ? NameOf<Flag>
  : Flags extends `--${infer Word}`
    ? CamelCase<Word>
    : Flags extends `-${infer Letter}` | `<${infer Letter}>`
      ? Letter
      : never;
type CamelCase<Word extends string> = Word extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Word;

function schemaOf(type: z.ZodType, settings: OptionSettings): z.ZodType {
  if (settings.required) return type;
  return settings.default === undefined ? type.optional() : type.prefault(String(settings.default));
}

/** ": train, val, test" */
function choicesOf(type: z.ZodType): string {
  if (!(type instanceof z.ZodEnum)) return "";
  return `: ${type.options.join(type.options.length === 2 ? " or " : ", ")}`;
}

function notesOf({ required, default: value, otherwise, repeats }: OptionSettings): string {
  const notes = [
    ...(repeats ? ["may be given several times"] : []),
    ...(required ? ["required"] : []),
    ...(value === undefined ? [] : [`default ${value}`]),
    ...(otherwise === undefined ? [] : [`default ${otherwise}`]),
  ];
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}
