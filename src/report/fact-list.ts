/** Name and value pairs, as they stand below a table or at the foot of a page. */
import { type Html, html } from "./html.js";

/** A fact: its name and its value. */
export type Fact = readonly [name: string, value: string];

/** The facts in a line that wraps. */
export function factList(facts: readonly Fact[]): Html {
  return html`<dl class="facts">${facts.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`;
}
