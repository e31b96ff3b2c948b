/** `--filter` expressions: `colour=red|blue`, `colour!=red`, `category=dress`, `price<=40`, `price=20..40`. */
import { z } from "zod";
import { CellProblem, parsePrice } from "../../catalogue/catalogue-item.js";
import { valueSeparator } from "../../catalogue/item-schema.js";
import type { Filter } from "../../search/store/filter.js";

export const filterHelp =
  "category=dress, price<=40, price=20..40, or an attribute: 'colour=red|blue', 'colour!=red'";

/** All of the expressions at once; undefined for none. */
export const filterFlag = z.array(z.string()).transform((texts, context): Filter | undefined => {
  const of: Filter[] = [];
  for (const text of texts) {
    const filter = parseFilter(text);
    if (typeof filter !== "string") of.push(filter);
    else context.addIssue({ code: "custom", message: `"${text}" ${filter}; write ${filterHelp}` });
  }
  return of.length === 0 ? undefined : { kind: "all", of };
});

/** One expression as a filter, or what is wrong with it. */
export function parseFilter(text: string): Filter | string {
  const [, name = "", operator = "", rest = ""] = /^([^=<>!]+)(!=|<=|>=|=)(.*)$/su.exec(text) ?? [];
  const [field, value] = [name.trim(), rest.trim()];
  if (field === "" || value === "") return "is no filter";
  const isNot = operator === "!=";
  if (field.toLowerCase() === "price") return priceFilter(operator, value);
  if (operator === "<=" || operator === ">=") return "compares what is no price";
  const anyOf = value.split(valueSeparator).map((part) => part.trim());
  if (anyOf.includes("")) return "has an empty value";
  const filter: Filter =
    field.toLowerCase() === "category"
      ? { kind: "category", anyOf }
      : field.toLowerCase() === "id"
        ? { kind: "id", anyOf }
        : { kind: "attribute", name: field, anyOf };
  return isNot ? { kind: "not", filter } : filter;
}

function priceFilter(operator: string, value: string): Filter | string {
  const range = /^(.*)\.\.(.*)$/.exec(value);
  const [low, high] =
    operator === "<=" ? ["", value] : operator === ">=" ? [value, ""] : (range?.slice(1) ?? [value, value]);
  const [min, max] = [parsePrice(low?.trim() ?? ""), parsePrice(high?.trim() ?? "")];
  if (min instanceof CellProblem || max instanceof CellProblem || (min === undefined && max === undefined)) {
    return "needs plain numbers such as 49.99";
  }
  const filter: Filter = { kind: "price", min, max };
  return operator === "!=" ? { kind: "not", filter } : filter;
}
