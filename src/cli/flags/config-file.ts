/** Configuration files that users wrote, and those that come with the package. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigError } from "../../errors.js";
import { readJsonSync } from "../../files/read-json.js";
import { isFields } from "../../runs/run-config.js";

/** What a configuration file may say of its fields; it is read by people. */
const remarksSchema = z.object({
  /** Where the value of a field comes from, by field. */
  source: z.record(z.string(), z.string()).optional(),
  notes: z.array(z.string()).optional(),
});

/**
 * The fields of a configuration file: its content without `source` and `notes`.
 * @throws ConfigError when it cannot be read or is not JSON, or its remarks are not texts.
 */
export function readConfigFile(file: string): unknown {
  const content = readContent(file);
  if (!isFields(content)) return content;
  const remarks = remarksSchema.safeParse(content);
  if (!remarks.success) {
    throw new ConfigError(
      `${file}: "source" must be texts by field and "notes" a list of texts; got ` +
        `${JSON.stringify({ source: content.source, notes: content.notes }).slice(0, 80)}; leave them out, or write texts`,
    );
  }
  return Object.fromEntries(Object.entries(content).filter(([name]) => !(name in remarksSchema.shape)));
}

/** Where the recipe of a model lies, if there is one: its authors' settings, as far as the trainer has them. */
export function recipeFile(model: string): string | undefined {
  const file = packagedConfig(join("methods", `${model}.json`));
  return existsSync(file) ? file : undefined;
}

function readContent(file: string): unknown {
  return readJsonSync(file, z.unknown(), ({ kind, got, cause }) => {
    if (kind === "not JSON")
      throw new ConfigError(`${file}: is not JSON; got ${got}; fix the file`, { cause });
    const reason = kind === "missing" ? "there is no such file" : `the file cannot be read; got ${got}`;
    throw new ConfigError(`${file}: ${reason}; give a JSON file with configuration fields`, { cause });
  });
}

/** Path of a configuration file that comes with the package. */
export function packagedConfig(name: string): string {
  return join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "configs", name);
}
