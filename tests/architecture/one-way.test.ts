import { describe, expect, it } from "vitest";
import { readSources } from "./sources.js";

/** What is done in one place only: how it shows in a source, and where it may. */
const places: readonly { readonly what: string; readonly sign: RegExp; readonly in: readonly string[] }[] = [
  { what: "the code of an error", sign: /"code" in|"syscall" in|ErrnoException/, in: ["files/errno.ts"] },
];

describe("one way to do a thing", () => {
  const modules = readSources().filter(({ isTest }) => !isTest);
  it.each(places)("$what: in its own module", ({ sign, in: allowed }) => {
    const found = modules.filter(({ text }) => sign.test(text)).map(({ path }) => path);
    expect(found.sort()).toEqual([...allowed].sort());
  });
});
