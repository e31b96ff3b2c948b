import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FetchPlace, openFetchPlace } from "../../../tests/fetch/fetch-place.js";
import {
  inTurn,
  type LocalServer,
  redirect,
  resumable,
  stalling,
  truncated,
} from "../../../tests/fetch/local-server.js";
import { jpeg, serveFashionIq } from "../../../tests/fetch/published-copies.js";
import { openFashionIq } from "../datasets/fashion-iq.js";
import type { FetchOptions } from "./fetch-dataset.js";

let place: FetchPlace;
let server: LocalServer;
let root: string;
let picture: Buffer;
beforeAll(async () => {
  picture = await jpeg(200);
});
beforeEach(async () => {
  place = await openFetchPlace();
  ({ server, root } = place);
});
afterEach(() => place.close());

const fetchFashionIq = (options: Partial<FetchOptions> = {}) => place.fetch("fashioniq", options);

describe("FashionIQ", () => {
  it("comes through everything that servers do, in the layout that the loader reads", async () => {
    const at = (name: string): [string, string] => [name, `${server.url}img/${name}`];
    const answers = {
      WHOLE: (_, response) => response.end(picture),
      BUSY: inTurn(
        (_, response) => response.writeHead(429, { "retry-after": "0" }).end(),
        (_, response) => response.writeHead(503).end(),
        (_, response) => response.end(picture),
      ),
      CUT: inTurn(truncated(picture), resumable(picture, '"a"')),
      STALLS: inTurn(stalling(picture), resumable(picture, '"a"')),
      MOVED: redirect("/img/WHOLE", 301),
      GONE: (_, response) => response.writeHead(410).end(),
      FORBIDDEN: (_, response) => response.writeHead(403).end(),
      PAGE: (_, response) => response.end("<!DOCTYPE html><title>Not found</title>"),
      HALF: (_, response) => response.end(picture.subarray(0, picture.length - 100)),
      PIXEL: (_, response) =>
        response.end(Buffer.from("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==", "base64")),
      LOOP: redirect("/img/LOOP"),
      INSIDE: redirect("http://169.254.169.254/latest/meta-data/"),
      UPWARDS: redirect("/img/../../../etc/passwd"),
      LARGE: (_, response) => response.end(Buffer.alloc(5001)),
      DOWN: (_, response) => response.writeHead(500).end(),
      SILENT: () => undefined,
    } satisfies Readonly<Record<string, Parameters<LocalServer["on"]>[1]>>;
    for (const [id, answer] of Object.entries(answers)) server.on(`/img/${id}`, answer);
    const ids = Object.keys(answers);
    const unsafe = ["../../evil", "/abs", "a/b", ".hidden"];
    serveFashionIq(
      server,
      [...ids, "NOT_LISTED", "MISSING", ...unsafe],
      [...ids, "MISSING", ...unsafe].map(at),
    );

    const result = await fetchFashionIq({ limits: { maxFileBytes: 5000 } });
    expect(result).toMatchObject({
      dataset: "fashioniq",
      files: { present: 0, fetched: 21 },
      images: { wanted: 22, present: 0, fetched: 5, dead: 4, unavailable: 2, refused: 10, unlisted: 1 },
      unsafeNames: 4,
      wrongLines: 0,
    });
    expect(await place.problems()).toEqual({
      GONE: "dead",
      FORBIDDEN: "dead",
      MISSING: "dead",
      UPWARDS: "dead",
      NOT_LISTED: "unlisted",
      PAGE: "refused",
      HALF: "refused",
      PIXEL: "refused",
      LOOP: "refused",
      INSIDE: "refused",
      LARGE: "refused",
      DOWN: "unavailable",
      SILENT: "unavailable",
      ...Object.fromEntries(unsafe.map((id) => [id, "refused"])),
    });
    const whole = ["BUSY", "CUT", "MOVED", "STALLS", "WHOLE"];
    expect((await readdir(join(root, "images"))).sort()).toEqual(whole.map((id) => `${id}.jpg`));
    for (const id of whole) expect(await readFile(join(root, "images", `${id}.jpg`))).toEqual(picture);
    expect(server.asked.filter((path) => path === "/img/GONE")).toHaveLength(1);
    expect(server.asked.filter((path) => path === "/img/DOWN")).toHaveLength(3);
    expect(server.asked.filter((path) => path === "/img/PAGE")).toHaveLength(1);
  });

  it("asks only for what is not there, and gives the loader what it needs", async () => {
    serveFashionIq(
      server,
      ["A", "B", "C"],
      ["A", "B", "C"].map((id) => [id, `${server.url}img/${id}`]),
    );
    server.serve("/img/A", picture);
    await mkdir(join(root, "images", "dress"), { recursive: true });
    await writeFile(join(root, "images", "dress", "B.png"), picture);
    await writeFile(join(root, "images", "C.jpg"), "");
    const counts = { wanted: 3, present: 1, fetched: 1, dead: 1 };
    expect((await fetchFashionIq()).images).toMatchObject(counts);
    expect(openFashionIq(root).split("train").triplets).toMatchObject([{ target: "A", reference: "B" }]);

    server.asked.length = 0;
    server.serve("/img/C", picture);
    expect(await fetchFashionIq()).toMatchObject({
      files: { present: 21, fetched: 0 },
      images: { wanted: 3, present: 2, fetched: 1, dead: 0 },
    });
    expect(server.asked).toEqual(["/img/C"]);
  });

  it("fetches damaged images again when it is asked to look", async () => {
    serveFashionIq(
      server,
      ["A", "B"],
      ["A", "B"].map((id) => [id, `${server.url}img/${id}`]),
    );
    server.serve("/img/A", picture);
    server.serve("/img/B", picture);
    await fetchFashionIq();
    await writeFile(join(root, "images", "A.jpg"), picture.subarray(0, picture.length - 20));
    expect((await fetchFashionIq()).images).toMatchObject({ present: 2, fetched: 0 });
    expect((await fetchFashionIq({ verify: true })).images).toMatchObject({ present: 1, fetched: 1 });
    expect(await readFile(join(root, "images", "A.jpg"))).toEqual(picture);
  });

  it("takes lists from elsewhere, with addresses relative to the copy", async () => {
    serveFashionIq(server, ["A", "B"], []);
    server.serve("/fiq/mine/A.jpg", picture);
    server.serve("/list.txt", `B ${server.url}fiq/mine/A.jpg\nA file:///etc/passwd\n`);
    const file = join(root, "list.txt");
    await writeFile(file, "A mine/A.jpg\n\nthree words here\nnothing\n");
    const result = await fetchFashionIq({ urlLists: [file, `${server.url}list.txt`] });
    expect(result).toMatchObject({ images: { fetched: 2 }, wrongLines: 3, files: { fetched: 18 } });
    expect(server.asked.join()).not.toContain("asin2url");
    await rm(join(root, "images"), { recursive: true });
    await writeFile(file, "nothing\n");
    await expect(fetchFashionIq({ urlLists: [file] })).rejects.toThrow(`${file}: must have lines`);
    await expect(fetchFashionIq({ urlLists: [join(root, "none")] })).rejects.toThrow("ENOENT");
  });

  it("says which annotation files cannot be had, all at once, and continues from there", async () => {
    serveFashionIq(server, ["A"], [["A", `${server.url}img/A`]]);
    server.serve("/fiq/captions/cap.dress.val.json", "<html>Sign in</html>");
    server.serve("/fiq/captions/cap.shirt.val.json", "[1, 2");
    server.on("/fiq/image_url/asin2url.shirt.txt", (_, response) => response.writeHead(404).end());
    await expect(fetchFashionIq()).rejects.toMatchObject({
      code: "FETCH_FAILED",
      message: expect.stringMatching(
        /(?=.*cap\.dress\.val\.json: .*got HTML)(?=.*cap\.shirt\.val\.json: .*must be JSON)(?=.*asin2url\.shirt\.txt: .*HTTP 404)/s,
      ),
    });
    expect(await readdir(join(root, "captions"))).toHaveLength(7);
    serveFashionIq(server, ["A"], [["A", `${server.url}img/A`]]);
    expect(await fetchFashionIq({ annotationsOnly: true })).toMatchObject({
      files: { present: 16, fetched: 2 },
    });
  });

  it("leaves whole files and a report when it is stopped", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `ID${index}`);
    serveFashionIq(
      server,
      ids,
      ids.map((id) => [id, `${server.url}img/${id}`]),
    );
    const abort = new AbortController();
    for (const [index, id] of ids.entries()) {
      server.on(`/img/${id}`, (request, response) => {
        if (index === 10) setTimeout(() => abort.abort(new Error("enough")), 20);
        (index < 10 ? resumable(picture, '"a"') : stalling(picture))(request, response);
      });
    }
    const running = fetchFashionIq({ signal: abort.signal, stallMs: 60_000, limits: { parallel: 2 } });
    await expect(running).rejects.toThrow("enough");
    expect(await readdir(join(root, "images"))).toHaveLength(10);
    expect(await readdir(join(root, ".fetch"))).toEqual([]);
    const report = JSON.parse(await readFile(join(root, "fetch-report.json"), "utf8"));
    expect(report).toMatchObject({
      isComplete: false,
      images: { fetched: 10, dead: 0, unavailable: 0 },
      problems: [],
    });
    for (const id of ids) server.serve(`/img/${id}`, picture);
    expect((await fetchFashionIq()).images).toMatchObject({ present: 10, fetched: 10 });
  });

  it("works on as many as it is allowed to, without a warning about it", async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `ID${index}`);
    serveFashionIq(
      server,
      ids,
      ids.map((id) => [id, `${server.url}img/${id}`]),
    );
    let [current, most] = [0, 0];
    for (const id of ids) {
      server.on(`/img/${id}`, (_, response) => {
        current += 1;
        most = Math.max(most, current);
        setTimeout(() => response.end(picture, () => (current -= 1)), 20);
      });
    }
    const warnings: Error[] = [];
    const warn = (warning: Error) => warnings.push(warning);
    process.on("warning", warn);
    await fetchFashionIq({ limits: { parallel: 16 } });
    process.removeListener("warning", warn);
    expect(most).toBe(16);
    expect(warnings).toEqual([]);
  });

  it("does not share its folder with another fetch, but takes over from a dead one", async () => {
    await mkdir(join(root, ".fetch"));
    await writeFile(join(root, ".fetch", "lock"), JSON.stringify({ processId: process.ppid, started: "" }));
    await expect(fetchFashionIq()).rejects.toThrow(
      `another fetch is under way in this folder; got process ${process.ppid}`,
    );
    await writeFile(join(root, ".fetch", "lock"), "2147483646");
    serveFashionIq(server, [], [["A", `${server.url}img/A`]]);
    await expect(fetchFashionIq({ annotationsOnly: true })).resolves.toBeDefined();
  });
});
