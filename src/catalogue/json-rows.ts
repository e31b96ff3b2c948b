/** Rows of a file of JSON: one object a line, or one array of objects. Numbers keep their digits as they are written. */
import { type AnyNode, type ObjectNode, parse } from "@humanwhocodes/momoa";
import { DatasetError } from "../errors.js";
import { CellProblem } from "./catalogue-item.js";
import { type CatalogueRow, type Cell, nextStep, type RowOptions } from "./catalogue-row.js";
import { shortened } from "./normal-text.js";
import { columnName, isIgnored } from "./table-columns.js";
import { linesOf, type TextFormat, textFormatOf, tooLong } from "./table-text.js";

/** An array is read as a whole; larger tables can be written one object a line. */
const arrayCharacters = 2 ** 27;

/** @throws DatasetError for an empty file, or an array that is not JSON. */
export async function* jsonRows(file: string, options: RowOptions): AsyncGenerator<CatalogueRow> {
  const format = await textFormatOf(file);
  if (format.head.trimStart().startsWith("[")) {
    yield* arrayRows(file, format, options);
    return;
  }
  const { limits, onBytes } = options;
  let number = 0;
  for await (const line of linesOf(file, format, { maxCharacters: limits.rowCharacters, onBytes })) {
    number += 1;
    if (line === tooLong) yield { number, problem: `has more than ${limits.rowCharacters} characters` };
    else if (line.trim() !== "") yield lineRow(line, number, options);
  }
  if (number === 0) throw new DatasetError(`${file}: the file is empty; ${nextStep}`);
}

function lineRow(line: string, number: number, options: RowOptions): CatalogueRow {
  const parsed = parseJson(line);
  return parsed instanceof CellProblem
    ? { number, problem: parsed.mustBe }
    : rowOf(parsed, { text: line, number, options });
}

async function* arrayRows(
  file: string,
  format: TextFormat,
  options: RowOptions,
): AsyncGenerator<CatalogueRow> {
  const lines: string[] = [];
  let characters = 0;
  const { onBytes } = options;
  for await (const line of linesOf(file, format, { maxCharacters: arrayCharacters, onBytes })) {
    characters += line === tooLong ? arrayCharacters : line.length + 1;
    if (line === tooLong || characters > arrayCharacters) {
      throw new DatasetError(
        `${file}: a JSON array of at most ${arrayCharacters} characters is read; write one object a line instead (jq -c '.[]')`,
      );
    }
    lines.push(line);
  }
  const text = lines.join("\n");
  const parsed = parseJson(text);
  if (parsed instanceof CellProblem || parsed.type !== "Array") {
    const reason = parsed instanceof CellProblem ? parsed.mustBe : `is a JSON ${parsed.type}`;
    throw new DatasetError(`${file}: the array ${reason}; ${nextStep}`);
  }
  for (const [i, { value }] of parsed.elements.entries()) {
    yield rowOf(value, { text, number: i + 1, options });
  }
}

/** The tree of a text that is JSON. `JSON.parse` is the judge: it takes no line break inside a text. */
function parseJson(text: string): AnyNode | CellProblem {
  try {
    JSON.parse(text);
    return parse(text, { mode: "json", ranges: true }).body;
  } catch (cause) {
    const reason =
      cause instanceof RangeError ? "too many levels" : cause instanceof Error ? cause.message : cause;
    const plain = String(reason).replace(/\p{Cc}/gu, "?");
    return new CellProblem(`is not JSON; got ${shortened(plain, 200)}`);
  }
}

function rowOf(
  node: AnyNode,
  { text, number, options }: { readonly text: string; readonly number: number; readonly options: RowOptions },
): CatalogueRow {
  if (node.type !== "Object") return { number, problem: "must be an object of columns and values" };
  const { limits, ignoredColumns } = options;
  if (node.members.length > limits.fields) {
    return { number, problem: `has ${node.members.length} fields; at most ${limits.fields} are read` };
  }
  const cells = new Map<string, Cell>();
  for (const { name, value } of (node as ObjectNode).members) {
    const column = columnName(name.type === "String" ? name.value : name.name);
    if (isIgnored(column, ignoredColumns)) continue;
    cells.set(column, cells.has(column) ? new CellProblem("occurs twice") : cellOf(value, text));
  }
  return { number, cells };
}

/** Numbers as they are written, truth as yes and no, null as nothing. */
function cellOf(node: AnyNode, text: string): Cell {
  if (node.type !== "Array") return scalarOf(node, text) ?? nested;
  const values = node.elements.map(({ value }) => scalarOf(value, text));
  return values.some((value) => value === undefined)
    ? nested
    : values.flatMap((value) => (value === undefined || value === "" ? [] : [value]));
}

const nested = new CellProblem("must be a text, a number, yes or no, or a list of these");

function scalarOf(node: AnyNode, text: string): string | undefined {
  switch (node.type) {
    case "String":
      return node.value;
    case "Number":
      return node.range && text.slice(...node.range);
    case "Boolean":
      return node.value ? "yes" : "no";
    case "Null":
      return "";
    default:
      return undefined;
  }
}
