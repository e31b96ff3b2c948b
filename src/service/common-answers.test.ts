/** Every code of an error stands where clients look it up. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { commonAnswers } from "./common-answers.js";
import { statuses } from "./error-answers.js";

const codes = Object.entries(statuses);

it("every code is in the OpenAPI document's description of its status", () => {
  const described = new Map(
    Object.entries(commonAnswers).map(([status, { description }]) => [Number(status), description]),
  );
  // No operation has a method that it does not have: the document's own description tells of 405.
  const missing = codes.filter(
    ([code, status]) => status !== 405 && !described.get(status)?.includes(`\`${code}\``),
  );
  expect(missing).toEqual([]);
});

it("every code is in the table of docs/service.md, in a row of its status", () => {
  const text = readFileSync(new URL("../../docs/service.md", import.meta.url), "utf8");
  const rows = text.split("\n").filter((line) => /^\| [45]\d\d/.test(line));
  const missing = codes.filter(
    ([code, status]) => !rows.some((row) => row.includes(`\`${code}\``) && row.includes(String(status))),
  );
  expect(missing).toEqual([]);
});
