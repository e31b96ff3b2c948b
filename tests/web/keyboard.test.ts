import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import {
  field,
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  phone,
  ranked,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("the page without a mouse", () => {
  useBrowser();

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
