/** The file of keys: who may read or write. It has hashes only; keys are random, so that one round of SHA-256 is enough. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { ConfigError, UsageError } from "../errors.js";
import { writeDurably } from "../files/durable-files.js";
import { claimLock } from "../files/folder-lock.js";

/** Who may write may also read. */
export const rights = ["read", "write"] as const;
export type Right = (typeof rights)[number];

export const keyNameSchema = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,63}$/u,
    "must be at most 64 letters, digits, spaces, dots, dashes or underscores",
  );
/** The last day on which the key is taken, in UTC. */
export const expirySchema = z.iso.date("must be a day such as 2027-01-31");

const keySchema = z.strictObject({
  name: keyNameSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits"),
  may: z.enum(rights),
  expires: expirySchema.optional(),
});
const fileSchema = z.strictObject({ keys: z.array(keySchema) });

export type Key = Readonly<z.output<typeof keySchema>>;

/** Says what it is where it turns up in a log or a repository. */
const prefix = "sdfn_";
const keyBytes = 32;

/** Keys as they were in the file when it was read. */
export class KeyRing {
  readonly #keys: readonly { readonly key: Key; readonly hash: Buffer }[];

  constructor(keys: readonly Key[]) {
    this.#keys = keys.map((key) => ({ key, hash: Buffer.from(key.sha256, "hex") }));
  }

  /** @throws ConfigError when there is no such file, or it is wrong; everything wrong is listed. */
  static async read(file: string): Promise<KeyRing> {
    return new KeyRing(await readKeys(file));
  }

  /** The key that was presented; undefined for an unknown or expired one. Takes equally long for all of them. */
  find(presented: string): Key | undefined {
    const hash = hashOf(presented);
    let found: Key | undefined;
    for (const { key, hash: known } of this.#keys) if (timingSafeEqual(hash, known)) found = key;
    return found && isValid(found) ? found : undefined;
  }

  /** Is there a key that allows this today? */
  has(right: Right): boolean {
    return this.#keys.some(({ key }) => isValid(key) && (right === "read" || key.may === "write"));
  }
}

/**
 * Makes a key and adds its hash to the file, which is made where there is none.
 * @returns the key, which is nowhere else.
 * @throws UsageError for a name that is taken; ConfigError as `KeyRing.read`.
 */
export async function addKey(file: string, { name, may, expires }: Omit<Key, "sha256">): Promise<string> {
  const key = `${prefix}${randomBytes(keyBytes).toString("base64url")}`;
  await change(file, (keys) => {
    if (keys.some((other) => other.name === name)) {
      throw new UsageError(
        `${file}: has a key of this name; got ${name}; remove it first, or choose another name`,
      );
    }
    const sha256 = hashOf(key).toString("hex");
    return [...keys, { name, sha256, may, expires }];
  });
  return key;
}

/** Takes a key out of the file. @throws UsageError when it has none of this name. */
export async function removeKey(file: string, name: string): Promise<void> {
  await change(file, (keys) => {
    const left = keys.filter((key) => key.name !== name);
    if (left.length < keys.length) return left;
    throw new UsageError(
      `${file}: has no key of this name; got ${name}; it has ${keys.map((key) => key.name).join(", ") || "none"}`,
    );
  });
}

/** One change at a time, whole or not at all. */
async function change(file: string, next: (keys: readonly Key[]) => readonly Key[]): Promise<void> {
  const giveFree = await claimLock(
    `${file}.lock`,
    (owner) => new UsageError(`${file}: another process changes it; got process ${owner}; try again`),
  );
  try {
    const keys = next(await readKeys(file, { isMissingEmpty: true }));
    await writeDurably(file, `${JSON.stringify({ keys }, undefined, 1)}\n`, { mode: 0o600 });
  } finally {
    await giveFree();
  }
}

async function readKeys(file: string, { isMissingEmpty = false } = {}): Promise<readonly Key[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "ENOENT" && isMissingEmpty) return [];
    const reason = code === "ENOENT" ? "there is no such file" : "the file cannot be read";
    throw new ConfigError(`${file}: ${reason}; got ${code}; \`sdfn key add --keys ${file}\` makes it`, {
      cause,
    });
  }
  try {
    return fileSchema.parse(JSON.parse(text)).keys;
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new ConfigError(`${file}: is no file of keys; got ${reason}; fix it, or make keys anew`, {
      cause,
    });
  }
}

function hashOf(key: string): Buffer {
  return createHash("sha256").update(key).digest();
}

function isValid({ expires }: Key): boolean {
  return expires === undefined || new Date().toISOString().slice(0, 10) <= expires;
}
