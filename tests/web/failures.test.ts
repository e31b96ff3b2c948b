import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, serve } from "./commands.js";
import {
  fixture,
  headline,
  isBrowserThere,
  items,
  openPage,
  ranked,
  searchFor,
  until,
  useBrowser,
} from "./open-page.js";

describe.skipIf(!isBrowserThere)("when something is wrong", () => {
  useBrowser();

  it("says that the shop cannot be reached, and continues when it is back", async () => {
    const service = await serve(fixture().index);
    const { port } = new URL(service.address);
    const page = await openPage(service.address);
    await headline(page, /items$/);
    await service.stop();
    await searchFor(page, "a red dress");
    const notice = page.getByRole("alert");
    await notice.getByRole("heading", { name: "The shop cannot be reached" }).waitFor();
    await notice.getByRole("button", { name: "Try again" }).click();
    await notice.getByRole("heading", { name: "The shop cannot be reached" }).waitFor();
    const again = await serve(fixture().index, "--port", port);
    try {
      await notice.getByRole("button", { name: "Try again" }).click();
      await ranked(page);
      expect(await notice.count()).toBe(0);
    } finally {
      await again.stop();
    }
  });

  it("says that the browser is offline, and searches by itself when it is not any more", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await page.context().setOffline(true);
    await searchFor(page, "a red dress");
    await page.getByRole("heading", { name: "You are offline" }).waitFor();
    await page.context().setOffline(false);
    await ranked(page);
  });

  it("waits as long as a busy service says, then asks again by itself", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    let refused = 0;
    await page.route("**/v1/search", async (route) => {
      if (refused > 0) return route.continue();
      refused += 1;
      return route.fulfill({
        status: 503,
        headers: { "retry-after": "2" },
        json: { error: { code: "OVERLOADED", message: "64 queries wait already", requestId: "r-1" } },
      });
    });
    await searchFor(page, "a red dress");
    const notice = page.getByRole("alert");
    await notice.getByRole("heading", { name: "The shop is busy" }).waitFor();
    await notice.getByText("64 queries wait already").waitFor();
    await notice.getByText("r-1").waitFor();
    await notice.getByText(/Asks again by itself in [12] s/).waitFor();
    await ranked(page);
    expect(refused).toBe(1);
  });

  it("shows the service's own words, code and request for what it refuses", async () => {
    const page = await openPage(`${fixture().sdfn}/?ref=nobody&q=is+red`);
    const notice = page.getByRole("alert");
    await notice.getByText(/nobody/).waitFor();
    expect(await notice.textContent()).toMatch(/[A-Z_]+, 4\d\d, request [0-9a-f-]{36}/);
  });

  it("keeps the items when only a further page fails", async () => {
    const page = await openPage(fixture().sdfn);
    await headline(page, /items$/);
    await page.route("**/v1/search", (route) => route.abort());
    await page.getByRole("button", { name: "Show more" }).click();
    await page.getByRole("alert").waitFor();
    expect(await items(page).count()).toBe(24);
    await page.unroute("**/v1/search");
    await page.getByRole("button", { name: "Try again" }).click();
    await items(page).nth(47).waitFor();
  });

  it("asks for the key where reading needs one, and shows pictures with it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sdfn-web-keys-"));
    const keys = join(folder, "keys.json");
    const key = await command("key", "add", "--keys", keys, "--name", "shoppers", "--may", "read");
    const service = await serve(fixture().index, "--keys", keys, "--require-read-key");
    try {
      const page = await openPage(service.address);
      await page.getByRole("heading", { name: "This shop needs a key" }).waitFor();
      await page.getByLabel("Key").fill("wrong");
      await page.getByRole("button", { name: "Open the shop" }).click();
      await page.getByText("The shop did not accept that key.").waitFor();
      await page.getByLabel("Key").fill(
        key
          .trim()
          .split(/\s+/)
          .find((word) => word.startsWith("sdfn_")) ?? "",
      );
      await page.getByRole("button", { name: "Open the shop" }).click();
      await headline(page, /items$/);
      await until(page, "document.querySelector('.item img')?.naturalWidth > 0");
      expect(await page.locator(".item img").first().getAttribute("src")).toMatch(/^blob:/);
      await page.reload();
      await headline(page, /items$/);
    } finally {
      await service.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
