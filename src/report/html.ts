/** HTML built from strings that are escaped unless they are HTML already. */

/** Markup that may go into a page as it is; only `html` and `trustedHtml` make it. */
export class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }

  toString(): string {
    return this.markup;
  }
}

/** What a template takes; `undefined` and `false` leave nothing behind. */
export type HtmlPart = Html | string | number | false | undefined | readonly HtmlPart[];

/**
 * Tagged template: html`<p>${text}</p>`. Parts that are Html stay, lists are joined, everything
 * else is escaped, so that it is safe as text and inside a quoted attribute.
 */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  let markup = strings[0] ?? "";
  for (const [index, part] of parts.entries()) markup += toMarkup(part) + (strings[index + 1] ?? "");
  return new Html(markup);
}

/** Markup from a source that escapes by itself, such as a chart library. */
export function trustedHtml(markup: string): Html {
  return new Html(markup);
}

/** `text` with &, <, >, " and ' written as character references. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => references[character] ?? character);
}

const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function toMarkup(part: HtmlPart): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "string") return escapeHtml(part);
  if (typeof part === "number") return String(part);
  return part.map(toMarkup).join("");
}
