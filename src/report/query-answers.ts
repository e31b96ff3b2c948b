/** Queries with the pictures a model ranked first. */

import { formatCount } from "../number-text.js";
import { countOf } from "./format.js";
import { type Html, html } from "./html.js";
import type { PagePicture, QueryAnswer, RankedPicture } from "./types.js";

export const queryAnswersCss = `
.answers { display: grid; gap: 1.25rem; }
.answer { display: grid; grid-template-columns: minmax(13rem, 17rem) 1fr; overflow: hidden; }
.question { background: var(--sunken); padding: 1.25rem; display: grid; gap: 0.85rem; align-content: start; }
.question .tag { font-size: 0.8125rem; color: var(--ink-soft); }
.question .reference { margin: 0; display: grid; gap: 0.4rem; }

.question blockquote { margin: 0; font-size: 1.0625rem; line-height: 1.4; font-weight: 550; display: grid; grid-template-columns: auto 1fr; gap: 0.55rem; overflow-wrap: anywhere; }
.question .plus { color: var(--accent); font-weight: 700; }
.ranking { padding: 1.25rem; display: grid; gap: 0.9rem; align-content: start; min-width: 0; }
.ranking-head { display: flex; flex-wrap: wrap; gap: 0.35rem 0.8rem; align-items: baseline; justify-content: space-between; }
.ranked { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.9rem 0.75rem; grid-template-columns: repeat(5, 1fr); }
.ranked figure, .missed figure { margin: 0; }
.picture { position: relative; border-radius: 12px; overflow: hidden; background: #fff; border: 1px solid var(--line); aspect-ratio: 1; display: block; }
.picture img { width: 100%; height: 100%; object-fit: contain; display: block; }
.question .reference .picture { width: min(100%, 13rem); }
.is-target .picture { border: 3px solid var(--good); }
.picture .check { position: absolute; inset: 0.35rem 0.35rem auto auto; width: 1.5rem; height: 1.5rem; border-radius: 50%; background: var(--good); color: var(--page); font-size: 0.875rem; font-weight: 700; line-height: 1.5rem; text-align: center; }
.is-target .rank { color: var(--good); }
.picture-line { display: flex; flex-wrap: wrap; column-gap: 0.4rem; justify-content: space-between; font-size: 0.8125rem; padding: 0.3rem 0.15rem 0; font-variant-numeric: tabular-nums; }
.picture-line .rank { font-weight: 650; white-space: nowrap; }
.picture-line .score { color: var(--ink-soft); }
.picture-id { display: block; padding-inline: 0.15rem; font-size: 0.75rem; line-height: 1.3; color: var(--ink-soft); overflow-wrap: anywhere; }
.pill { border-radius: 99px; padding: 0.12rem 0.7rem; font-size: 0.8125rem; font-weight: 600; background: var(--sunken); color: var(--ink); }
.pill.found { background: var(--good-soft); color: var(--good); }
.missed { border-top: 1px dashed var(--line-strong); padding-top: 0.9rem; display: flex; gap: 0.85rem; align-items: center; }
.missed figure { width: 5.2rem; flex: none; }
@media (max-width: 44rem) {
  .answer { grid-template-columns: 1fr; }
  .question { grid-template-columns: 6.5rem 1fr; column-gap: 1rem; }
  .question .tag { grid-column: 1 / -1; }
  .ranked { grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)); gap: 0.75rem 0.6rem; }
}
`;

/**
 * One card a query: reference picture and modification text, then the ranking with scores. The
 * target is marked by a check mark, a border and its alternative text; where it was not among
 * the pictures shown, it follows with its rank.
 */
export function queryAnswers(answers: readonly QueryAnswer[]): Html {
  return html`<div class="answers">${answers.map(answerCard)}</div>`;
}

function answerCard(answer: QueryAnswer): Html {
  const { reference, text, results, category, gallerySize, target } = answer;
  return html`<article class="card answer">
<div class="question">
${category !== undefined && html`<p class="tag">${category}</p>`}
<figure class="reference">${image(reference, "Reference")}<figcaption class="picture-id">${label(reference)}</figcaption></figure>
<blockquote><span class="plus" aria-label="plus">+</span><span>${text.trim() === "" ? "(no text)" : text}</span></blockquote>
</div>
<div class="ranking">
<div class="ranking-head"><h3>First ${countOf(results.length, "picture")}${
    gallerySize !== undefined && html` <span class="soft">of ${formatCount(gallerySize)}</span>`
  }</h3>${target && targetPill(target.rank, results.length)}</div>
<ol class="ranked">${results.map(rankedItem)}</ol>
${target && !results.some(({ isTarget }) => isTarget) && missedTarget(target)}
</div>
</article>
`;
}

const checkMark = html`<span class="check" aria-hidden="true">✓</span>`;

function rankedItem({ picture, score, isTarget }: RankedPicture, index: number): Html {
  const role = isTarget ? `Rank ${index + 1}, the target` : `Rank ${index + 1}`;
  const badge = isTarget && checkMark;
  return html`<li${isTarget && html` class="is-target"`}><figure>${image(picture, role, badge)}<figcaption><span class="picture-line"><span class="rank">${index + 1}${isTarget && " · target"}</span><span class="score" title="cosine similarity">${score.toFixed(3)}</span></span><span class="picture-id">${label(picture)}</span></figcaption></figure></li>`;
}

function missedTarget({ picture, rank }: { readonly picture: PagePicture; readonly rank: number }): Html {
  return html`<div class="missed is-target"><figure>${image(
    picture,
    "The target",
    checkMark,
  )}</figure><p class="small soft">The target was ranked ${rankText(rank)}, behind the pictures above.<span class="picture-id">${label(picture)}</span></p></div>`;
}

function targetPill(rank: number, shownCount: number): Html {
  return rank <= shownCount
    ? html`<span class="pill found">✓ target at rank ${formatCount(rank)}</span>`
    : html`<span class="pill">target at rank ${rankText(rank)}</span>`;
}

function rankText(rank: number): string {
  return Number.isFinite(rank) ? formatCount(rank) : "none (it is not in the gallery)";
}

function image(picture: PagePicture, role: string, badge?: Html | false): Html {
  return html`<span class="picture"><img src="${picture.dataUri}" alt="${`${role}: ${label(picture)}`}" loading="lazy">${badge}</span>`;
}

function label({ id, title }: PagePicture): string {
  return title ?? id;
}
