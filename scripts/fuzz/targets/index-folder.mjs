// An index's folder with one file damaged: opened, read and written, or refused.
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mutated, noise } from "../mutate.mjs";
import { makeIndex } from "../place.mjs";
import { CatalogueIndex } from "../project.mjs";

export const indexFolder = {
  memoryMib: 400,
  async open(scratch) {
    const whole = await makeIndex(scratch);
    await withUnfinishedWrite(whole);
    // The bundle's files are looked at when a model is opened, not here.
    const files = readdirSync(whole, { recursive: true }).filter(
      (name) =>
        statSync(join(whole, name)).isFile() && !name.startsWith("bundle") && !name.startsWith("thumbnails"),
    );
    const words = [
      "{",
      "}",
      "[",
      '"',
      "null",
      "-1",
      "1e308",
      "items",
      "_versions",
      "__proto__",
      "LANC",
      "ARROW1",
    ];
    const copy = join(scratch, "copy");
    return {
      make(random) {
        const name = random.pick(
          random.chance(0.3) ? files.filter((file) => /journal|index\.json/.test(file)) : files,
        );
        const bytes = random.chance(0.05)
          ? noise(random, 100)
          : mutated(random, [readFileSync(join(whole, name))], words);
        return Buffer.concat([Buffer.from(`${files.indexOf(name)}\n`), bytes]);
      },
      async check(input) {
        const end = input.indexOf("\n");
        rmSync(copy, { recursive: true, force: true });
        cpSync(whole, copy, { recursive: true, filter: (path) => !path.includes("bundle") });
        writeFileSync(join(copy, files[Number(input.subarray(0, end))]), input.subarray(end + 1));
        for (const access of ["read", "write"]) await use(copy, access);
      },
      async close() {},
    };
  },
};

async function use(folder, access) {
  const index = await CatalogueIndex.open(folder, { access });
  try {
    await index.list({ limit: 5, filter: { kind: "price", min: 20 } });
    const item = await index.get("A2");
    if (item)
      await index.store.query({ vector: (await index.get("A1"))?.embedding ?? item.embedding, limit: 3 });
    for await (const _ of index.summaries());
    if (access === "write") await index.delete(["A3"]);
  } finally {
    await index.close();
  }
}

/** Leaves an entry in the journal, as a process that was stopped does. */
async function withUnfinishedWrite(folder) {
  const index = await CatalogueIndex.open(folder, { access: "write" });
  await index.delete(["A8"]);
  const journals = readdirSync(join(folder, "store")).filter((name) => name.startsWith("journal"));
  const kept = journals.map((name) => [name, readFileSync(join(folder, "store", name))]);
  await index.close();
  for (const [name, bytes] of kept) writeFileSync(join(folder, "store", name), bytes);
}
