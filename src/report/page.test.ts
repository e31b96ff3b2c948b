import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { lineChart } from "./chart.js";
import { html } from "./html.js";
import { page } from "./page.js";
import { queryAnswers } from "./query-answers.js";
import { routeDiagram } from "./route-diagram.js";

const picture = { id: "A", dataUri: "data:image/jpeg;base64,AAAA" };
const sections = [
  {
    id: "answers",
    title: "Answers & more",
    lead: "How to read them.",
    body: queryAnswers([
      {
        reference: picture,
        text: "is red",
        results: [{ picture, score: 1, isTarget: true }],
        target: { picture, rank: 1 },
      },
    ]),
  },
  {
    id: "curves",
    title: "Curves",
    body: html`${lineChart(
      [
        {
          name: "a",
          points: [
            [0, 1],
            [1, 2],
          ],
          colourIndex: 0,
        },
      ],
      {
        widthPx: 400,
        heightPx: 250,
        description: "rises",
        xName: "step",
      },
    )}${routeDiagram({ modules: [{ name: "RCM", meaning: "keep as is" }], weights: [[[1]]] })}`,
  },
];
const document = page(
  {
    title: "Report <1>",
    eyebrow: "SDFN",
    lead: "What it shows.",
    figures: [{ label: "R@10", value: "75.9 %", note: "val-split" }],
    facts: [["Seed", "1"]],
  },
  sections,
);

describe("page", () => {
  it("refers to nothing outside the file and runs no script", () => {
    expect(document).not.toMatch(/<script|\son\w+=|javascript:/i);
    expect(document).not.toMatch(/@import|<link(?! rel="icon" href="data:,")|<iframe|<object/i);
    for (const [, address = ""] of document.matchAll(/\b(?:src|href)="([^"]*)"/g)) {
      expect(address).toMatch(/^(data:|#)/);
    }
    for (const [, address = ""] of document.matchAll(/url\(["']?([^)"']*)/g))
      expect(address).toMatch(/^(data:|#)/);
  });

  it("closes every element that it opens, in order", () => {
    const open: string[] = [];
    const body = document.replace(/<!doctype html>/, "").replace(/<style[\s\S]*?<\/style>/g, "");
    for (const [tag, slash, name = "", selfClosing] of body.matchAll(
      /<(\/?)([a-zA-Z][\w-]*)(?:"[^"]*"|[^">])*?(\/?)>/g,
    )) {
      if (selfClosing || ["meta", "link", "img", "br"].includes(name)) continue;
      if (slash) expect(tag).toBe(`</${open.pop()}>`);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  it("links the table of contents to the sections and names each section by its heading", () => {
    expect([...document.matchAll(/href="#([^"]*)">([^<]*)</g)].map(([, id, title]) => [id, title])).toEqual([
      ["answers", "Answers &amp; more"],
      ["curves", "Curves"],
    ]);
    for (const { id } of sections) {
      expect(document).toContain(`<section id="${id}" aria-labelledby="${id}-title">`);
      expect(document).toContain(`<h2 id="${id}-title">`);
    }
  });

  it("names every picture and drawing for those who cannot see it", () => {
    for (const [image] of document.matchAll(/<img [^>]*>/g)) expect(image).toMatch(/ alt="[^"]+"/);
    for (const [drawing] of document.matchAll(/<svg [^>]*>/g)) {
      expect(drawing).toMatch(/role="img" aria-label="[^"]+"/);
    }
  });

  it("fits phones and follows the reader's light or dark setting", () => {
    expect(document).toContain('name="viewport" content="width=device-width, initial-scale=1"');
    expect(document).toContain("prefers-color-scheme: dark");
    expect(document).toContain("<title>Report &lt;1&gt;</title>");
  });

  it("needs no table of contents for one section", () => {
    expect(page({ title: "One" }, sections.slice(0, 1))).not.toContain("<nav");
  });

  it("has the styles of every part, also of those that it does not show", async () => {
    const parts = readdirSync(new URL(".", import.meta.url)).filter((name) => /(?<!\.test)\.ts$/.test(name));
    const styles: [string, unknown][] = [];
    for (const part of parts) {
      const exported: Record<string, unknown> = await import(/* @vite-ignore */ `./${part}`);
      styles.push(...Object.entries(exported).filter(([name]) => name.endsWith("Css")));
    }
    expect(styles.length).toBeGreaterThan(5);
    expect(styles.filter(([, css]) => !document.includes(String(css))).map(([name]) => name)).toEqual([]);
  });
});
