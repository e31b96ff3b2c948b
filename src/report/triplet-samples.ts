/** Training triplets to look at: reference picture, captions, target picture. */
import { type Html, html } from "./html.js";
import type { PagePicture } from "./types.js";

/** A triplet with its pictures. */
export interface TripletSample {
  readonly reference: PagePicture;
  readonly target: PagePicture;
  readonly captions: readonly string[];
  /** What differs: attribute, value of the reference, value of the target. */
  readonly changes: readonly { readonly attribute: string; readonly from: string; readonly to: string }[];
  /** "dress · train" */
  readonly tag: string;
}

export const tripletSamplesCss = `
.triplets { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.triplet { padding: 1rem; display: grid; gap: 0.75rem; align-content: start; }
.triplet .pair { display: grid; grid-template-columns: 1fr auto 1fr; gap: 0.6rem; align-items: start; }
.triplet figure { margin: 0; min-width: 0; }
.triplet .arrow { align-self: center; color: var(--accent); font-weight: 700; font-size: 1.25rem; }
.triplet .tag { font-size: 0.8125rem; color: var(--ink-soft); }
.triplet .captions { margin: 0; padding: 0; list-style: none; display: grid; gap: 0.3rem; font-weight: 550; overflow-wrap: anywhere; }
.triplet .captions li::before { content: "“"; color: var(--accent); }
.triplet .captions li::after { content: "”"; color: var(--accent); }
.triplet .changes { margin: 0; padding: 0; list-style: none; display: grid; gap: 0.15rem; font-size: 0.8125rem; color: var(--ink-soft); overflow-wrap: anywhere; }
.counts td, .counts th { padding: 0.4rem 0.75rem; border-bottom: 1px solid var(--line); text-align: end; }
.counts td:first-child, .counts th:first-child { text-align: start; }
`;

/** One card a triplet. */
export function tripletSamples(samples: readonly TripletSample[]): Html {
  return html`<div class="triplets">${samples.map(card)}</div>`;
}

function card({ reference, target, captions, changes, tag }: TripletSample): Html {
  return html`<article class="card triplet">
<p class="tag">${tag}</p>
<div class="pair">${figure(reference, "Reference")}<span class="arrow" aria-label="becomes">→</span>${figure(target, "Target")}</div>
<ul class="captions">${captions.map((caption) => html`<li>${caption}</li>`)}</ul>
<ul class="changes">${changes.map(({ attribute, from, to }) => html`<li>${attribute}: ${from} → ${to}</li>`)}</ul>
</article>
`;
}

function figure({ id, dataUri, title }: PagePicture, role: string): Html {
  const name = title ?? id;
  return html`<figure><span class="picture"><img src="${dataUri}" alt="${`${role}: ${name}`}" loading="lazy"></span><figcaption class="picture-id">${name}</figcaption></figure>`;
}

/** A table of counts; the first column holds names. */
export function countsTable(head: readonly string[], rows: readonly (readonly string[])[]): Html {
  return html`<div class="scroll-x card"><table class="counts"><thead><tr>${head.map(
    (cell) => html`<th scope="col">${cell}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ([name = "", ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
