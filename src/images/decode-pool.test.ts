import { describe, expect, it } from "vitest";
import { type DecodeLine, DecodePool } from "./decode-pool.js";

/** Work that ends when it is told to. */
function controlled(pool: DecodePool) {
  const started: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const run = (line: DecodeLine, name: string) =>
    pool.during(line, () => {
      started.push(name);
      return new Promise<string>((resolve, reject) =>
        ends.set(name, { resolve: () => resolve(name), reject }),
      );
    });
  const end = async (name: string) => {
    ends.get(name)?.resolve();
    await new Promise((next) => setImmediate(next));
  };
  return { started, run, end, ends };
}

describe("DecodePool", () => {
  it("runs as many at a time as its size, in the order of a line", async () => {
    const { started, run, end } = controlled(new DecodePool(2));
    const all = Promise.all(["a", "b", "c", "d"].map((name) => run("pictures", name)));
    expect(started).toEqual(["a", "b"]);
    await end("b");
    expect(started).toEqual(["a", "b", "c"]);
    for (const name of ["c", "a", "d"]) await end(name);
    expect(await all).toEqual(["a", "b", "c", "d"]);
  });

  it("lets lines take turns, so that a catalogue does not hold up a query for long", async () => {
    const { started, run, end } = controlled(new DecodePool(1));
    const all = ["p1", "p2", "p3", "p4"].map((name) => run("pictures", name));
    for (const name of ["q1", "q2", "q3"]) all.push(run("queries", name));
    for (const name of ["p1", "q1", "p2", "q2", "p3", "q3", "p4"]) {
      expect(started.at(-1)).toBe(name);
      await end(name);
    }
    await Promise.all(all);
  });

  it("continues after a failure", async () => {
    const { started, run, end, ends } = controlled(new DecodePool(1));
    const [first, second] = [run("queries", "first"), run("pictures", "second")];
    ends.get("first")?.reject(new Error("damaged"));
    await expect(first).rejects.toThrow("damaged");
    expect(started).toEqual(["first", "second"]);
    await end("second");
    await second;
  });
});
