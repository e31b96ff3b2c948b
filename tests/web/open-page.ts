/** Pages in the one browser, as shoppers see them. */
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";
import type { WebFixture } from "./global-setup.js";

export const isBrowserThere = inject("web") !== undefined;

export function fixture(): WebFixture {
  const web = inject("web");
  if (web === undefined) throw new Error("tests/web: no browser; these tests must be skipped");
  return web;
}

/** Desktop; motion would only make tests wait. */
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" };
export const phone: BrowserContextOptions = {
  viewport: { width: 360, height: 740 },
  isMobile: true,
  hasTouch: true,
  reducedMotion: "reduce",
};

let browser: Browser | undefined;
const mistakes: string[] = [];
/** Answers that are not a success are said by the page; the browser's own word for them is expected. */
const expectedMessage = /^Failed to load resource/;

/** To be called once by each file: connects to the browser, and fails tests in which the page made a mistake. */
export function useBrowser(): void {
  beforeAll(async () => {
    if (isBrowserThere) browser = await chromium.connect(fixture().browser);
  });
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close();
    expect(mistakes.splice(0)).toEqual([]);
  });
  afterAll(() => browser?.close());
}

/** A new visitor's page. */
export async function openPage(url: string, options: BrowserContextOptions = desktop): Promise<Page> {
  if (browser === undefined) throw new Error("tests/web: call useBrowser() first");
  const context = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  watch(page);
  await page.goto(url);
  return page;
}

function watch(page: Page): void {
  page.on("pageerror", (error) => mistakes.push(error.message));
  page.on("console", (message) => {
    const isMistake = ["error", "warning"].includes(message.type()) && !expectedMessage.test(message.text());
    if (isMistake) mistakes.push(message.text());
  });
}

/** The results' headline, once it says this. */
export async function headline(page: Page, text: RegExp): Promise<void> {
  await page.locator(".results-head h2").filter({ hasText: text }).waitFor();
}

/** A search with words has been answered. */
export const ranked = (page: Page) => headline(page, /^The closest/);

/** Waits until an expression holds in the page. (Playwright's own way needs `eval`, which the page's policy forbids.) */
export async function until(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate(expression), { timeout: 20_000 }).toBe(true);
}

export function items(page: Page): Locator {
  return page.locator(".grid:not(.skeleton) .item");
}

/** Titles in order. */
export async function titles(page: Page): Promise<readonly string[]> {
  return items(page).locator("h3").allTextContents();
}

/** One click makes the item at this place the reference. */
export async function changeItem(page: Page, index: number): Promise<string> {
  const item = items(page).nth(index);
  const title = (await item.locator("h3").textContent()) ?? "";
  await item.hover();
  await item.getByRole("button", { name: /^Change this one/ }).click();
  return title;
}

export function field(page: Page): Locator {
  return page.getByRole("combobox");
}

/** Types words and searches. */
export async function searchFor(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await page.keyboard.press("Enter");
}

export const query = (page: Page) => new URL(page.url()).searchParams;
