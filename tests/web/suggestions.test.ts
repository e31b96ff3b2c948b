import { describe, expect, it } from "vitest";
import {
  field,
  fixture,
  headline,
  isBrowserThere,
  openPage,
  query,
  ranked,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("suggested phrases", () => {
  useBrowser();

  it("are chips that search at once, one after the other", async () => {
    const page = await openPage(fixture().sdfn);
    const chips = page.getByRole("list", { name: "Phrases to try" }).getByRole("button");
    await chips.first().waitFor();
    const first = await chips.nth(0).innerText();
    await chips.nth(0).click();
    await ranked(page);
    expect(query(page).get("q")).toBe(first);
    const second = await chips.nth(0).innerText();
    expect(second).not.toBe(first);
    await chips.nth(0).click();
    await page.waitForURL((url) => url.searchParams.get("q") === `${first} and ${second}`);
    expect(await field(page).inputValue()).toBe(`${first} and ${second}`);
  });

  it("complete the last phrase that is typed, with the keyboard and with the pointer", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await field(page).pressSequentially("is shorter and is");
    const list = page.getByRole("listbox");
    await list.getByRole("option").first().waitFor();
    expect(await field(page).getAttribute("aria-expanded")).toBe("true");
    await field(page).press("ArrowDown");
    await field(page).press("ArrowDown");
    await field(page).press("ArrowUp");
    const option = list.getByRole("option").first();
    expect(await option.getAttribute("aria-selected")).toBe("true");
    expect(await field(page).getAttribute("aria-activedescendant")).toBe(await option.getAttribute("id"));
    const completed = (await option.innerText()).replaceAll("\n", "");
    expect(completed).toMatch(/^is shorter and is /);
    await field(page).press("Enter");
    await ranked(page);
    expect(query(page).get("q")).toBe(completed);
    expect(await list.isVisible()).toBe(false);

    const answered = page.waitForResponse(/suggestions\?prefix=has/);
    await field(page).fill("has");
    const phrases = ((await (await answered).json()) as { suggestions: string[] }).suggestions;
    expect(phrases.every((phrase) => /(^| )has/.test(phrase))).toBe(true);
    await list.getByRole("option", { name: phrases.at(-1) ?? "", exact: true }).click();
    await page.waitForURL((url) => url.searchParams.get("q") === phrases.at(-1));
  });

  it("go away with Escape, and what was typed stays", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await field(page).pressSequentially("is");
    await page.getByRole("option").first().waitFor();
    await field(page).press("Escape");
    await page.getByRole("option").first().waitFor({ state: "hidden" });
    expect(await field(page).inputValue()).toBe("is");
    await field(page).press("Enter");
    await ranked(page);
    expect(query(page).get("q")).toBe("is");
  });
});
