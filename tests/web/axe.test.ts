import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import {
  changeItem,
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  phone,
  ranked,
  searchFor,
  useBrowser,
} from "./open-page.js";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");

/** What axe-core finds wrong, as "rule: element". */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  return page.evaluate(`axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })
    .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ": " + target)))`);
}

/** States of the page that look different. */
const states: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  browsing: (page) => headline(page, /items$/),
  "a search with steps and its explanation": async (page) => {
    await changeItem(page, 0);
    await ranked(page);
    await changeItem(page, 1);
    await searchFor(page, "is red Xylophone");
    await page.getByText("How it searched").click();
    await page.getByRole("img", { name: /^It / }).waitFor();
  },
  filtered: async (page) => {
    await page.goto(`${page.url()}?category=dress&max=60`);
    await headline(page, /items?$/);
  },
  "an item closer": async (page) => {
    await items(page)
      .first()
      .getByRole("button", { name: /look closer/ })
      .click();
    await page.getByRole("dialog").waitFor();
  },
  "an error": async (page) => {
    await page.goto(`${page.url()}?ref=nobody&q=is+red`);
    await page.getByRole("alert").waitFor();
  },
  "the form for a key": async (page) => {
    await page.route("**/v1/**", (route) =>
      route.fulfill({ status: 401, json: { error: { code: "KEY_NEEDED", message: "", requestId: "r" } } }),
    );
    await page.reload();
    await page.getByRole("heading", { name: "This shop needs a key" }).waitFor();
  },
};

const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" },
  dark: { viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", colorScheme: "dark" },
  phone,
};

describe.skipIf(!isBrowserThere)("accessibility", () => {
  useBrowser();

  for (const [look, options] of Object.entries(looks)) {
    for (const [state, reach] of Object.entries(states)) {
      it(`axe-core finds nothing, and nothing is wider than the window: ${state}, ${look}`, async () => {
        const page = await openPage(fixture().sdfn, options);
        await reach(page);
        expect(await violations(page)).toEqual([]);
        const overflowPx = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        expect(await page.evaluate(overflowPx)).toBe(0);
      });
    }
  }
});
