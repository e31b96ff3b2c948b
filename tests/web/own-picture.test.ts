import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import {
  fixture,
  headline,
  isBrowserThere,
  openPage,
  query,
  ranked,
  searchFor,
  titles,
  until,
  useBrowser,
} from "./open-page.js";

/** Hands a file to the page as dropping or pasting it does. */
async function give(page: Page, event: "drop" | "paste", file: Buffer, type: string): Promise<void> {
  await page.evaluate(`{
    const bytes = Uint8Array.from(atob("${file.toString("base64")}"), (letter) => letter.charCodeAt(0));
    globalThis.given = new DataTransfer();
    given.items.add(new File([bytes], "picture", { type: "${type}" }));
  }`);
  const tell = (kind: string, name: string, property: string) =>
    page.evaluate(
      `document.body.dispatchEvent(new ${kind}("${name}", { ${property}: given, bubbles: true, cancelable: true }))`,
    );
  if (event === "paste") {
    await tell("ClipboardEvent", "paste", "clipboardData");
    return;
  }
  await tell("DragEvent", "dragover", "dataTransfer");
  await page.getByText("Drop the picture to search with it").waitFor();
  await tell("DragEvent", "drop", "dataTransfer");
}

describe.skipIf(!isBrowserThere)("a picture of one's own", () => {
  useBrowser();
  let file = "";
  let bytes = Buffer.alloc(0);

  beforeAll(() => {
    if (!isBrowserThere) return;
    file = join(fixture().pictures, readdirSync(fixture().pictures)[0] ?? "");
    bytes = readFileSync(file);
  });

  it("comes from the file chooser, and survives a reload but not a link", async () => {
    const page = await openPage(fixture().sdfn);
    const choosing = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: /^Choose a picture/ }).click();
    await (await choosing).setFiles(file);
    await ranked(page);
    await page.getByRole("img", { name: "Reference: your picture" }).waitFor();
    await page.getByText("A link to this search cannot hold your own picture.").waitFor();
    await searchFor(page, "is red");
    await page.waitForURL(/q=is\+red/);
    await page.locator(".grid.stale").waitFor({ state: "detached" });
    await ranked(page);
    const found = await titles(page);
    await page.reload();
    await ranked(page);
    expect(await titles(page)).toEqual(found);
    const elsewhere = await openPage(page.url());
    await elsewhere.getByRole("heading", { name: "The picture is not here" }).waitFor();
    await elsewhere.getByText("Choose the picture again").waitFor();
  });

  it("can be dropped", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await give(page, "drop", bytes, "image/jpeg");
    await ranked(page);
    expect(query(page).has("upload")).toBe(true);
  });

  it("can be pasted", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await give(page, "paste", bytes, "image/jpeg");
    await ranked(page);
    expect(query(page).has("upload")).toBe(true);
  });

  it("is made small enough to be sent often, and of a kind that the service reads", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    const sent = page.waitForRequest((request) => request.url().endsWith("/v1/search"));
    // Noise, which no format makes small, as a PNG of 13 MB.
    await page.evaluate(`(async () => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [3000, 1500];
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(3000, 1500);
      for (let i = 0; i < pixels.data.length; i += 65536) crypto.getRandomValues(pixels.data.subarray(i, i + 65536));
      context.putImageData(pixels, 0, 0);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([blob], "large.png", { type: "image/png" }));
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    })()`);
    const size = Number(await (await sent).headerValue("content-length"));
    expect(size).toBeGreaterThan(1000);
    expect(size).toBeLessThan(1_000_000);
    await ranked(page);
    await until(page, "document.querySelector('.reference img')?.naturalWidth === 1024");
  });

  it("is refused with a reason when it is none", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await give(page, "drop", Buffer.from("no picture"), "image/png");
    await page.getByText("This file is not a picture that can be read.").waitFor();
    expect(query(page).has("upload")).toBe(false);
  });
});
