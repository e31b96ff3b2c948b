/** Files that README and docs name are there, and their links lead somewhere. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const markdownIn = (folder: string, isRecursive = false) =>
  readdirSync(join(root, folder), { recursive: isRecursive, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name));
// The changelog names files as they were.
const pages = [...markdownIn("."), ...markdownIn("docs", true)].filter((name) => name !== "CHANGELOG.md");

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(page: string): readonly string[] {
  return [...readFileSync(join(root, page), "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, "")
      .trim()
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (page) => {
  const text = readFileSync(join(root, page), "utf8");

  it("names files that are there", () => {
    const named = [...text.matchAll(/`((?:src|tests|bench|scripts|configs|examples|docs|web)\/[\w./-]+)`/g)];
    const missing = named.map(([, path = ""]) => path).filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });

  it("links to pages and headings that are there", () => {
    const wrong = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^\w+:/.test(link))
      .filter((link) => {
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? page : join(dirname(page), path);
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).includes(anchor);
      });
    expect(wrong).toEqual([]);
  });
});
