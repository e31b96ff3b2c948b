import { describe, expect, it } from "vitest";
import {
  changeItem,
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  ranked,
  searchFor,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("how it searched", () => {
  useBrowser();

  it("shows the route through every layer, and where words looked", async () => {
    const page = await openPage(fixture().sdfn);
    await changeItem(page, 0);
    await ranked(page);
    expect(await page.getByText("How it searched").count()).toBe(0);
    await searchFor(page, "is red with long sleeves");
    await page.getByText("How it searched").click();
    const flow = page.getByRole("img", { name: /^It / });
    await flow.waitFor();
    // From the picture to 4 modules, twice from 4 to 4, and from 4 to the query.
    expect(await flow.locator(".band").count()).toBe(4 + 16 + 16 + 4);
    const shares = await page.locator(".ways strong").allTextContents();
    expect(shares).toHaveLength(4);
    const total = shares.reduce((sum, share) => sum + Number.parseInt(share, 10), 0);
    expect(Math.abs(total - 100)).toBeLessThanOrEqual(2);
    await page.getByText("The numbers").click();
    expect(await page.locator(".numbers tbody tr").count()).toBe(4);

    const words = page.getByRole("group", { name: "Words to show in the picture" });
    expect(await words.getByRole("button").allTextContents()).toEqual([
      "All words",
      "is",
      "red",
      "with",
      "long",
      "sleeves",
    ]);
    const cells = page.locator(".heat-cell");
    expect(await cells.count()).toBe(4);
    expect(await page.locator(".heat-word").count()).toBe(4);
    const red = words.getByRole("button", { name: "red" });
    await red.focus();
    await page.getByText(/“red” has \d+ % \(pale\) to \d+ % \(strong\)/).waitFor();
    expect(await page.locator(".heat-word").count()).toBe(0);
    await red.press("Enter");
    expect(await red.getAttribute("aria-pressed")).toBe("true");
    await words.getByRole("button", { name: "sleeves" }).hover();
    await page.getByText(/“sleeves” has/).waitFor();
  });

  it("is absent for words alone, which change no picture", async () => {
    const page = await openPage(fixture().sdfn);
    await searchFor(page, "a red dress");
    await ranked(page);
    expect(await items(page).count()).toBe(24);
    expect(await page.getByText("How it searched").count()).toBe(0);
  });

  it("stays open from one search to the next", async () => {
    const page = await openPage(fixture().sdfn);
    await changeItem(page, 0);
    await ranked(page);
    await searchFor(page, "is red");
    await page.getByText("How it searched").click();
    await page.getByRole("img", { name: /^It / }).waitFor();
    await changeItem(page, 1);
    await page.getByRole("img", { name: /^It / }).waitFor({ state: "detached" });
    await searchFor(page, "has a belt");
    await page.getByRole("img", { name: /^It / }).waitFor();
  });

  it("is absent for a model without routers", async () => {
    const page = await openPage(fixture().plain);
    await changeItem(page, 0);
    await ranked(page);
    await searchFor(page, "is red with long sleeves");
    await page.waitForURL(/q=is/);
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    await ranked(page);
    expect(await items(page).count()).toBe(24);
    expect(await page.getByText("How it searched").count()).toBe(0);
    await headline(page, /closest/);
  });
});
