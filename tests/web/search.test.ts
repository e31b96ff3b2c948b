import { describe, expect, it } from "vitest";
import {
  changeItem,
  field,
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  query,
  ranked,
  searchFor,
  titles,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("searching", () => {
  useBrowser();

  it("takes a picture of the catalogue and words, and ranks the others with scores", async () => {
    const page = await openPage(fixture().sdfn);
    const title = await changeItem(page, 2);
    await ranked(page);
    await page.getByRole("img", { name: `Reference: ${title}` }).waitFor();
    await page.locator("[role=combobox]:focus").waitFor();
    const alike = await titles(page);
    await searchFor(page, "is red with long sleeves");
    await page.waitForURL(/q=is\+red/);
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    await ranked(page);
    const changed = await titles(page);
    expect(changed).not.toEqual(alike);
    const scores = (await page.locator(".match > span").allTextContents()).map((text) =>
      Number(text.replace("match ", "")),
    );
    expect(scores).toHaveLength(24);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(Math.max(...scores)).toBeLessThanOrEqual(1);
    expect(await page.title()).toContain("is red with long sleeves");
  });

  it("takes words alone", async () => {
    const page = await openPage(fixture().sdfn);
    await searchFor(page, "a red dress");
    await ranked(page);
    expect(query(page).get("q")).toBe("a red dress");
    await page.getByRole("button", { name: "Start over" }).click();
    await headline(page, /^\d+ items$/);
    expect(await field(page).inputValue()).toBe("");
  });

  it("continues from a result, keeps the steps, and leads back", async () => {
    const page = await openPage(fixture().sdfn);
    await changeItem(page, 0);
    await ranked(page);
    await searchFor(page, "is red");
    await page.waitForURL(/q=is\+red/);
    await ranked(page);
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    const red = await titles(page);
    const next = await changeItem(page, 1);
    await page
      .getByRole("img", { name: `Reference: ${next}` })
      .first()
      .waitFor();
    expect(await field(page).inputValue()).toBe("");
    await searchFor(page, "has a belt");
    await page.waitForURL(/q=has\+a\+belt/);
    const trail = page.getByRole("navigation", { name: "Your steps" });
    expect(await trail.getByRole("listitem").count()).toBe(2);
    await trail.getByRole("button", { name: /is red$/ }).click();
    await page.waitForURL(/q=is\+red/);
    await trail.waitFor({ state: "detached" });
    expect(await titles(page)).toEqual(red);
    await page.goBack();
    expect(query(page).get("q")).toBe("has a belt");
    await trail.waitFor();
    await page.goForward();
    expect(query(page).get("q")).toBe("is red");
    expect(await titles(page)).toEqual(red);
  });

  it("keeps words that were typed before the picture was chosen", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await field(page).fill("is blue");
    await changeItem(page, 3);
    await ranked(page);
    expect(query(page).get("q")).toBe("is blue");
    await page.getByRole("button", { name: "Search without the picture" }).click();
    await page.waitForURL((url) => !url.searchParams.has("ref"));
    expect(query(page).get("q")).toBe("is blue");
  });

  it("is in the address: a link restores reference, words, filters and steps", async () => {
    const page = await openPage(`${fixture().sdfn}/?category=dress`);
    await headline(page, /items$/);
    await changeItem(page, 0);
    await ranked(page);
    await changeItem(page, 0);
    await searchFor(page, "is red");
    await page.waitForURL(/q=is\+red/);
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    await ranked(page);
    const found = await titles(page);
    const other = await openPage(page.url());
    await ranked(other);
    expect(await titles(other)).toEqual(found);
    expect(await field(other).inputValue()).toBe("is red");
    expect(await other.getByRole("navigation", { name: "Your steps" }).getByRole("listitem").count()).toBe(2);
    expect(await other.getByRole("checkbox", { name: /^dress/ }).isChecked()).toBe(true);
    await items(other).first().waitFor();
  });

  it("marks words that the model does not know", async () => {
    const page = await openPage(fixture().sdfn);
    await searchFor(page, "a red Xylophone");
    await page.locator(".unknown").waitFor();
    expect(await page.locator(".unknown mark").allTextContents()).toEqual(["Xylophone"]);
    const described = await field(page).getAttribute("aria-describedby");
    expect(await page.locator(`[id="${described}"]`).textContent()).toContain("unknown here");
    await searchFor(page, "a red dress");
    await page.locator(".unknown").waitFor({ state: "detached" });
  });

  it("never shows the answer of a search that another one superseded", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    const ended: string[] = [];
    page.on("requestfailed", (request) => ended.push(request.postData() ?? ""));
    await page.route("**/v1/search", async (route) => {
      if (route.request().postData()?.includes("slow")) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
      await route.continue().catch(() => undefined);
    });
    await searchFor(page, "slow dress");
    await page.waitForURL(/q=slow/);
    await searchFor(page, "a red dress");
    await ranked(page);
    const found = await titles(page);
    await page.waitForTimeout(1700);
    expect(await titles(page)).toEqual(found);
    expect(ended.filter((body) => body.includes("slow"))).toHaveLength(1);
  });
});
