/** Colours, type and layout shared by every part of a report page. */

/** Colours of series, as CSS variables: dark and light pages have their own. The first is the one to look at. */
export function seriesColour(index: number): string {
  return `var(--series-${(index % seriesCount) + 1})`;
}

const seriesCount = 8;

/**
 * Text colours have a contrast of at least 4.5 to their background, series and borders that carry
 * meaning at least 3. Series are told apart by brightness too, not by hue alone.
 */
export const coloursCss = `
:root {
  color-scheme: light dark;
  --page: #faf8f5; --surface: #ffffff; --sunken: #f2eee8;
  --ink: #1c1a18; --ink-soft: #5d574f; --line: #e3ddd3; --line-strong: #8d867b;
  --accent: #b5361f; --accent-soft: #fbe9e4; --good: #12693f; --good-soft: #e2f3ea;
  --series-1: #c23b22; --series-2: #1f5fa8; --series-3: #0f8a7e; --series-4: #a06a00;
  --series-5: #7a4fb0; --series-6: #6b6660; --series-7: #b0357c; --series-8: #4d7a1f;
  --shadow: 0 1px 2px rgb(60 45 25 / 6%), 0 6px 24px rgb(60 45 25 / 6%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #141312; --surface: #1e1c1a; --sunken: #272421;
    --ink: #f3efe9; --ink-soft: #b5aca0; --line: #37332e; --line-strong: #857c70;
    --accent: #ff8a6e; --accent-soft: #3a231c; --good: #63d19c; --good-soft: #17301f;
    --series-1: #ff7a5c; --series-2: #6ea8ee; --series-3: #3fc4b4; --series-4: #e0a83a;
    --series-5: #b896ec; --series-6: #a39c93; --series-7: #f07fbd; --series-8: #9bc75f;
    --shadow: 0 1px 2px rgb(0 0 0 / 40%);
  }
}
`;

/** Type and layout of a whole page. */
export const themeCss = `${coloursCss}*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; scroll-padding-top: 4rem; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.55 Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1, h2, h3 { line-height: 1.15; letter-spacing: -0.015em; margin: 0; text-wrap: balance; font-weight: 650; }
h1 { font-size: clamp(2rem, 1.2rem + 3.4vw, 3.4rem); letter-spacing: -0.03em; }
h2 { font-size: clamp(1.45rem, 1.1rem + 1.3vw, 2.1rem); letter-spacing: -0.022em; }
h3 { font-size: 1rem; }
p { margin: 0; text-wrap: pretty; }
a { color: var(--accent); text-underline-offset: 0.2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
.wrap { width: min(100% - 2.5rem, 72rem); margin-inline: auto; }
.soft { color: var(--ink-soft); }
.small { font-size: 0.875rem; }
.lead { color: var(--ink-soft); font-size: 1.0625rem; max-width: 44rem; }
.card { background: var(--surface); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow); }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}
.scroll-x { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: start; }
details > summary { cursor: pointer; color: var(--ink-soft); font-size: 0.875rem; width: fit-content; }
details[open] > summary { margin-bottom: 0.75rem; }
.wide-only { display: block; }
.narrow-only { display: none; }
@media (max-width: 44rem) {
  .wide-only { display: none; }
  .narrow-only { display: block; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { .card { box-shadow: none; break-inside: avoid; } nav { display: none; } }
`;

/** CSS of the page's own frame: hero, section links, sections and footer. */
export const frameCss = `
.hero { padding-block: clamp(2.5rem, 7vw, 5.5rem) clamp(1.75rem, 4vw, 3rem); display: grid; gap: 1.1rem; }
.eyebrow { color: var(--accent); font-weight: 600; font-size: 0.8125rem; letter-spacing: 0.08em; text-transform: uppercase; }
.hero .lead { font-size: clamp(1.0625rem, 1rem + 0.4vw, 1.25rem); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: 0.75rem; margin: 1rem 0 0; }
.figure-tile { padding: 1rem 1.15rem; display: flex; flex-direction: column; }
.figure-tile dt { color: var(--ink-soft); font-size: 0.875rem; }
.figure-tile dd { margin: 0; }
.figure-tile .value { font-size: clamp(1.4rem, 1rem + 2vw, 1.9rem); font-weight: 650; letter-spacing: -0.03em; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figure-tile .note { color: var(--ink-soft); font-size: 0.8125rem; margin-top: auto; padding-top: 0.15rem; }
.contents {
  position: sticky; top: 0; z-index: 5; background: color-mix(in srgb, var(--page) 88%, transparent);
  backdrop-filter: blur(10px); border-block: 1px solid var(--line);
}
.contents ul { display: flex; gap: 1.5rem; list-style: none; margin: 0; padding: 0; overflow-x: auto; scrollbar-width: none; }
.contents a { display: block; padding: 0.75rem 0; color: var(--ink-soft); text-decoration: none; font-size: 0.9rem; white-space: nowrap; }
.contents a:hover { color: var(--ink); }
main > section { padding-block: clamp(2.25rem, 5vw, 4rem); }
main > section + section { border-top: 1px solid var(--line); }
.section-head { display: grid; gap: 0.6rem; margin-bottom: clamp(1.25rem, 3vw, 2rem); }
.foot { border-top: 1px solid var(--line); padding-block: 1.75rem 3rem; color: var(--ink-soft); font-size: 0.875rem; }
.facts { display: flex; flex-wrap: wrap; gap: 0.35rem 2rem; margin: 0; }
.facts div { display: flex; gap: 0.45rem; }
.facts dt { color: var(--ink-soft); }
.facts dd { margin: 0; color: var(--ink); overflow-wrap: anywhere; }
`;
