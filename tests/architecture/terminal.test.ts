import { expect, it } from "vitest";
import { readSources } from "./sources.js";

/** The process's streams are given to the program here, or written to with words of the program's own. */
const nameThem = /(^|\/)(executable|main|progress|data-synthetic|start-service)\.ts$/;

it("has no way to the terminal past the streams that a command is given, which show visible text only", () => {
  const past = readSources()
    .filter(({ isTest, path }) => !isTest && !nameThem.test(path))
    .filter(({ text }) =>
      /\bprocess\.std(out|err)\b|\bconsole\.\w+\(/.test(text.replace(/\/\*[\s\S]*?\*\//g, "")),
    )
    .map(({ path }) => path);
  expect(past).toEqual([]);
});
