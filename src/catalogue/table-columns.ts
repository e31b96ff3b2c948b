/** Names of a table's columns: their normal form, and which ones a stranger's names probably mean. */
import { reservedColumns } from "./item-schema.js";
import { normalName } from "./normal-text.js";

/** Columns that every row needs. */
export const neededColumns = ["id", "image", "category"] as const;

/** Names with a meaning in lower case, others as they are written. */
export function columnName(text: string): string {
  const name = normalName(text);
  const lower = name.toLowerCase();
  return (reservedColumns as readonly string[]).includes(lower) ? lower : name;
}

/**
 * What exports of shop systems call these columns (Shopify, WooCommerce, Google Merchant Center, Magento, PrestaShop),
 * letters and digits only, the likeliest first.
 */
const otherNames: Readonly<Record<(typeof neededColumns)[number], readonly string[]>> = {
  id: "handle productid sku variantsku itemid articlenumber reference gid gtin ean".split(" "),
  image: (
    "imagesrc imagelink gimagelink images imageurl imageurls baseimage mainimage variantimage " +
    "picture pictures photo imagepath file filename"
  ).split(" "),
  category: (
    "productcategory categories producttype gproducttype googleproductcategory ggoogleproductcategory " +
    "type collection department"
  ).split(" "),
};

/** "Handle looks like the id", for needed columns that are not among `columns`. */
export function guesses(columns: readonly string[]): readonly string[] {
  const plain = columns.map((column) => column.toLowerCase().replace(/[^a-z0-9]/g, ""));
  return neededColumns.flatMap((needed) => {
    if (columns.includes(needed)) return [];
    const found = otherNames[needed].find((name) => plain.includes(name));
    return found === undefined ? [] : [`${columns[plain.indexOf(found)]} looks like the ${needed}`];
  });
}

/** Is a column among those that are left out? Case does not matter. */
export function isIgnored(column: string, ignored: readonly string[]): boolean {
  return ignored.some((name) => columnName(name).toLowerCase() === column.toLowerCase());
}
