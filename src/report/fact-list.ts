/** Name and value pairs, as they stand below a table or at the foot of a page. */
import { type Html, html } from "./html.js";

/** A fact: its name and its value. */
export type Fact = readonly [name: string, value: string];

export const factTableCss = `
.fact-table { padding: 0.5rem 1.25rem; columns: 19rem; column-gap: 2.5rem; margin: 0; }
.fact-table div { display: flex; justify-content: space-between; gap: 1rem; padding: 0.3rem 0; border-bottom: 1px solid var(--line); break-inside: avoid; font-size: 0.875rem; }
.fact-table dt { color: var(--ink-soft); }
.fact-table dd { margin: 0; text-align: end; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
`;

/** Many facts, in as many columns as there is room for. */
export function factTable(facts: readonly Fact[]): Html {
  return html`<dl class="card fact-table">${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}

/** The facts in a line that wraps. */
export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}
