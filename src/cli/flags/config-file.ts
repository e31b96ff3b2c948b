/** Configuration files that users wrote, and those that come with the package. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";

/** The content of a configuration file. @throws ConfigError when it cannot be read or is not JSON. */
export function readConfigFile(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const reason = isErrno(cause, "ENOENT")
      ? "there is no such file"
      : `the file cannot be read; got ${cause}`;
    throw new ConfigError(`${file}: ${reason}; give a JSON file with configuration fields`, { cause });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`${file}: is not JSON; got ${reason}; fix the file`, { cause });
  }
}

/** Path of a configuration file that comes with the package. */
export function packagedConfig(name: string): string {
  return join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "configs", name);
}
