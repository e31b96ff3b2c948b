/** Configuration files that users wrote, and those that come with the package. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { ConfigError } from "../../errors.js";
import { readJsonSync } from "../../files/read-json.js";

/** The content of a configuration file. @throws ConfigError when it cannot be read or is not JSON. */
export function readConfigFile(file: string): unknown {
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
