/** Numbers, prices and names as the page writes them. The page is in English, whatever the browser's language. */

const counts = new Intl.NumberFormat("en");
const prices = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function formatCount(count: number): string {
  return counts.format(count);
}

/** "1 item", "1,200 items". */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Without a currency: catalogues do not name one. */
export function formatPrice(price: number): string {
  return prices.format(price);
}

/** A share of 1 as whole percent. */
export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** "patternColour", "pattern_colour" -> "Pattern colour". */
export function readable(name: string): string {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** "price up to 40.00", for a chip. */
export function priceRange(min: number | undefined, max: number | undefined): string {
  if (min === undefined) return `up to ${formatPrice(max ?? 0)}`;
  return max === undefined ? `from ${formatPrice(min)}` : `${formatPrice(min)} – ${formatPrice(max)}`;
}
