/** Tells cheaply whether a file is still the one that was read. */
import { stat } from "node:fs/promises";

/** Another text when another file lies there or its content was written anew; undefined where there is none. */
export async function fileStamp(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.ino} ${found.size} ${found.mtimeNs}`;
}
