import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import {
  changeItem,
  field,
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
    it(`axe-core finds nothing, and nothing is wider than the window: ${look}`, async () => {
      for (const [state, reach] of Object.entries(states)) {
        const page = await openPage(fixture().sdfn, options);
        await reach(page);
        expect(await violations(page), state).toEqual([]);
        expect(
          await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"),
          state,
        ).toBe(0);
        await page.context().close();
      }
    });
  }

  it("everything works with the keyboard alone", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("To the items");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toContain("look closer");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toContain("Change this one");
    const second = await items(page).nth(1).locator("h3").textContent();
    await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toBe(`Change this one: ${second}`);
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    await ranked(page);
    await page.getByRole("img", { name: `Reference: ${second}` }).waitFor();
    await page.keyboard.type("is red");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=is\+red/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("/");
    await page.locator("[role=combobox]:focus").waitFor();
    expect(await field(page).inputValue()).toBe("is red");
  });

  it("tells screen readers how many items there are", async () => {
    const page = await openPage(fixture().sdfn);
    await page
      .getByRole("status")
      .filter({ hasText: /^\d+ items$/ })
      .waitFor();
    for (const landmark of ["banner", "main", "search", "complementary", "contentinfo"] as const) {
      expect(await page.getByRole(landmark).count(), landmark).toBe(1);
    }
    expect(await items(page).first().getByRole("img").getAttribute("alt")).not.toBe("");
  });

  it("has the filters folded away on a phone", async () => {
    const page = await openPage(fixture().sdfn, phone);
    await headline(page, /items$/);
    const dress = page.getByRole("checkbox", { name: /^dress/ });
    expect(await dress.isVisible()).toBe(false);
    await page.getByRole("button", { name: "Filters" }).tap();
    await dress.tap();
    await page.getByRole("button", { name: "Filters (1)" }).waitFor();
    expect(await page.evaluate("getComputedStyle(document.querySelector('.change')).opacity")).toBe("1");
  });
});

function focused(page: Page): Promise<string> {
  return page.evaluate(
    "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText + (document.activeElement.querySelector('img')?.alt ?? '')",
  );
}
