/** Filters as LanceDB's SQL. Values are only ever string literals with doubled quotes, or numbers. */
import { type Filter, tagOf } from "./filter.js";

/** A condition that is true or false for every row, never unknown, so that NOT means what it says. */
export function lanceFilter(filter: Filter): string {
  switch (filter.kind) {
    case "id":
      return anyOf("id", filter.anyOf);
    case "category":
      return anyOf("category", filter.anyOf);
    case "price": {
      // DataFusion takes -0 for less than 0; each bound lets both in.
      const bounds = [
        ...(filter.min === undefined ? [] : [`price >= ${number(filter.min === 0 ? -0 : filter.min)}`]),
        ...(filter.max === undefined ? [] : [`price <= ${number(filter.max === 0 ? 0 : filter.max)}`]),
      ];
      return `(${["price IS NOT NULL", ...bounds].join(" AND ")})`;
    }
    case "attribute": {
      const tags = filter.anyOf.map((value) => literal(tagOf(filter.name, value)));
      return tags.length === 0 ? "false" : `array_has_any(tags, [${tags.join(", ")}])`;
    }
    case "not":
      return `(NOT ${lanceFilter(filter.filter)})`;
    case "all":
      return filter.of.length === 0 ? "true" : `(${filter.of.map(lanceFilter).join(" AND ")})`;
  }
}

function anyOf(column: "id" | "category", values: readonly string[]): string {
  return values.length === 0 ? "false" : `(${column} IN (${values.map(literal).join(", ")}))`;
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** DataFusion reads no "1e+21" and no "Infinity". */
function number(value: number): string {
  if (Number.isNaN(value)) return "CAST('NaN' AS DOUBLE)";
  return `CAST('${written(value)}' AS DOUBLE)`;
}

function written(value: number): string {
  if (Math.abs(value) === Number.POSITIVE_INFINITY) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
}
