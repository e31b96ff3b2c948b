/** Ids that submissions go by: a second query of the same id would take the answers of the first. */
import { DatasetError } from "../../errors.js";

/** @throws DatasetError that names file and entry where an id occurs again. */
export function requireUniqueIds(
  file: string,
  { field, ids }: { readonly field: string; readonly ids: readonly number[] },
): void {
  const firstAt = new Map<number, number>();
  for (const [entry, id] of ids.entries()) {
    const first = firstAt.get(id);
    if (first !== undefined) {
      throw new DatasetError(
        `${file}: entry ${entry}: "${field}" must be unique; got ${id}, as in entry ${first}; get the file anew`,
      );
    }
    firstAt.set(id, entry);
  }
}
