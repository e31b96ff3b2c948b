import { describe, expect, it } from "vitest";
import {
  changeItem,
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  query,
  ranked,
  titles,
  until,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("browsing", () => {
  useBrowser();

  it("shows the catalogue with titles, prices and pictures, page by page", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /^\d+ items$/);
    expect(await items(page).count()).toBe(24);
    const first = items(page).first();
    expect(await first.locator(".price-tag").textContent()).toMatch(/^\d+\.\d\d$/);
    await until(page, "document.querySelector('.item img')?.naturalWidth > 0");
    expect(await page.locator(".match").count()).toBe(0);
    await page.getByRole("button", { name: "Show more" }).click();
    await items(page).nth(47).waitFor();
    expect(new Set(await titles(page)).size).toBeGreaterThan(24);
    await page.getByText(/^48 of \d+$/).waitFor();
    await items(page).nth(40).scrollIntoViewIfNeeded();
    const placePx = await page.evaluate("scrollY");
    await changeItem(page, 40);
    await ranked(page);
    expect(await page.evaluate("scrollY")).toBe(0);
    await page.goBack();
    await items(page).nth(47).waitFor();
    await expect.poll(() => page.evaluate("scrollY")).toBe(placePx);
  });

  it("filters by category, price and attribute, says so in chips, and goes back", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    const all = Number((await page.locator(".results-head h2").textContent())?.split(" ")[0]);
    const side = page.getByRole("complementary", { name: "Filters" });
    const dress = side.locator("label").filter({ hasText: /^dress/ });
    const count = Number((await dress.locator(".count").textContent())?.match(/\d+/)?.[0]);
    await dress.click();
    await headline(page, new RegExp(`^${count} items`));
    expect(query(page).get("category")).toBe("dress");
    const colour = side.getByRole("group", { name: "Colour" }).locator("label").first();
    await colour.click();
    await until(page, `!document.querySelector('.results-head h2').textContent.startsWith('${count} ')`);
    const chips = page.getByRole("list", { name: "Filters that are on" });
    expect(await chips.getByRole("button", { name: /^Remove filter/ }).count()).toBe(2);
    await side.getByLabel("From").fill("40");
    await side.getByLabel("to", { exact: true }).fill("60");
    await side.getByLabel("to", { exact: true }).press("Enter");
    await chips.getByRole("button", { name: /Price 40.00 – 60.00/ }).waitFor();
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    for (const price of await page.locator(".price-tag").allTextContents()) {
      expect(Number(price)).toBeGreaterThanOrEqual(40);
      expect(Number(price)).toBeLessThanOrEqual(60);
    }
    await page.goBack();
    expect(await chips.getByRole("button", { name: /^Remove filter/ }).count()).toBe(2);
    await chips.getByRole("button", { name: /Colour/ }).click();
    await headline(page, new RegExp(`^${count} items`));
    await page.getByRole("button", { name: "Clear filters" }).click();
    await headline(page, new RegExp(`^${all} items`));
  });

  it("says when nothing fits, and clears the filters", async () => {
    const page = await openPage(`${fixture().sdfn}/?category=hat`);
    await page.getByText("Nothing in the shop fits these filters.").waitFor();
    await page.locator(".notice").getByRole("button", { name: "Clear filters" }).click();
    await headline(page, /items$/);
  });

  it("refuses a price range that ends before it begins", async () => {
    const page = await openPage(fixture().sdfn);
    const side = page.getByRole("complementary", { name: "Filters" });
    await side.getByLabel("From").fill("60");
    await side.getByLabel("to", { exact: true }).fill("40");
    await side.getByLabel("to", { exact: true }).press("Enter");
    await page.getByText("The first price is above the second.").waitFor();
    expect(query(page).has("min")).toBe(false);
  });

  it("shows an item closer, with everything the catalogue says about it", async () => {
    const page = await openPage(fixture().sdfn);
    const title = await items(page).first().locator("h3").innerText();
    await items(page)
      .first()
      .getByRole("button", { name: /look closer/ })
      .click();
    const look = page.getByRole("dialog", { name: title });
    await look.waitFor();
    expect(await look.getByRole("term").allTextContents()).toEqual(
      expect.arrayContaining(["Category", "Colour", "Sleeves", "Number"]),
    );
    await page.keyboard.press("Escape");
    await look.waitFor({ state: "detached" });
  });
});
