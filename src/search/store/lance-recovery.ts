/** What a loss of power can do to a LanceDB table, and its repair: a newest manifest that is empty or cut off. */
import { existsSync } from "node:fs";
import { mkdir, open, readdir, rename } from "node:fs/promises";
import { join, relative } from "node:path";
import { StoreError } from "../../errors.js";
import { syncPath } from "../../files/durable-files.js";

/** Last bytes of every manifest. */
const magic = "LANC";
const versionsFolder = "_versions";
const damagedFolder = "damaged";

/** Damaged manifests that stand before the newest whole one. @throws StoreError when there is no whole one. */
async function damagedManifests(tableFolder: string): Promise<readonly string[]> {
  const folder = join(tableFolder, versionsFolder);
  if (!existsSync(folder)) return [];
  // Named by 2^64 - 1 - version, twenty digits: the newest comes first.
  const names = (await readdir(folder)).filter((name) => /^\d{20}\.manifest$/.test(name)).sort();
  const damaged: string[] = [];
  for (const name of names) {
    if (await isWhole(join(folder, name))) return damaged;
    damaged.push(join(folder, name));
  }
  if (names.length === 0) return [];
  throw new StoreError(
    `${tableFolder}: every version of the store is damaged; got ${names.length} without an end; ` +
      "restore the folder from a copy, or delete the index and make it anew",
  );
}

/**
 * Moves damaged newest manifests into a folder beside the table, so that the version before them opens. They were never
 * acknowledged, or the journal has what was.
 * @returns where they were, relative to `root`: the next version has the same name.
 */
export async function moveDamagedAside(tableFolder: string, root: string): Promise<readonly string[]> {
  const damaged = await damagedManifests(tableFolder);
  if (damaged.length === 0) return [];
  const target = join(root, damagedFolder);
  await mkdir(target, { recursive: true });
  for (const path of damaged) {
    await rename(path, join(target, `${Date.now()}-${path.slice(path.lastIndexOf("_versions") + 10)}`));
  }
  await syncPath(join(tableFolder, versionsFolder));
  await syncPath(target);
  return damaged.map((path) => relative(root, path));
}

/** @throws StoreError when the newest version must be repaired first. */
export async function requireUndamaged(tableFolder: string): Promise<void> {
  if ((await damagedManifests(tableFolder)).length === 0) return;
  throw new StoreError(
    `${tableFolder}: the newest version was cut off; open the index once for writing, as \`sdfn index\` does`,
  );
}

async function isWhole(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size < magic.length) return false;
    const { buffer } = await file.read(Buffer.alloc(magic.length), 0, magic.length, size - magic.length);
    return buffer.toString("latin1") === magic;
  } finally {
    await file.close();
  }
}
