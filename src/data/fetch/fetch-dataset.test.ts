import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  inTurn,
  type LocalServer,
  redirect,
  resumable,
  stalling,
  startLocalServer,
  truncated,
} from "../../../tests/fetch/local-server.js";
import { jpeg, serveFashion200k, serveFashionIq, serveShoes } from "../../../tests/fetch/published-copies.js";
import { tarFile } from "../../../tests/fetch/tar-file.js";
import { openFashionIq } from "../datasets/fashion-iq.js";
import { type FetchOptions, fetchDataset } from "./fetch-dataset.js";
import type { PublishedSetName } from "./published-sets.js";

let server: LocalServer;
let root: string;
let picture: Buffer;
beforeAll(async () => {
  picture = await jpeg(200);
});
beforeEach(async () => {
  server = await startLocalServer();
  root = await mkdtemp(join(tmpdir(), "sdfn-fetch-"));
});
afterEach(async () => {
  await server.close();
  await rm(root, { recursive: true });
});

const bases: Readonly<Record<PublishedSetName, string>> = {
  fashioniq: "fiq/",
  shoes: "shoes",
  fashion200k: "f200k/",
};

function fetchSet(name: PublishedSetName, options: Partial<FetchOptions> = {}) {
  return fetchDataset(name, {
    out: root,
    baseUrl: server.url + bases[name],
    retry: { attempts: 3, firstDelayMs: 5, maxDelayMs: 2000 },
    stallMs: 200,
    signal: new AbortController().signal,
    progress: { start: () => undefined, update: () => undefined },
    ...options,
  });
}

/** Kind of problem by id, from the report. */
async function problems(): Promise<Readonly<Record<string, string>>> {
  const report = JSON.parse(await readFile(join(root, "fetch-report.json"), "utf8"));
  return Object.fromEntries(report.problems.map(({ id, kind }: { id: string; kind: string }) => [id, kind]));
}

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

    const result = await fetchSet("fashioniq", { limits: { maxFileBytes: 5000 } });
    expect(result).toMatchObject({
      dataset: "fashioniq",
      files: { present: 0, fetched: 21 },
      images: { wanted: 22, present: 0, fetched: 5, dead: 4, unavailable: 2, refused: 10, unlisted: 1 },
      unsafeNames: 4,
      wrongLines: 0,
    });
    expect(await problems()).toEqual({
      ...{ GONE: "dead", FORBIDDEN: "dead", MISSING: "dead", UPWARDS: "dead", NOT_LISTED: "unlisted" },
      ...{
        PAGE: "refused",
        HALF: "refused",
        PIXEL: "refused",
        LOOP: "refused",
        INSIDE: "refused",
        LARGE: "refused",
      },
      ...{ DOWN: "unavailable", SILENT: "unavailable" },
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
    expect((await fetchSet("fashioniq")).images).toMatchObject(counts);
    expect(openFashionIq(root).split("train").triplets).toMatchObject([{ target: "A", reference: "B" }]);

    server.asked.length = 0;
    server.serve("/img/C", picture);
    expect(await fetchSet("fashioniq")).toMatchObject({
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
    await fetchSet("fashioniq");
    await writeFile(join(root, "images", "A.jpg"), picture.subarray(0, picture.length - 20));
    expect((await fetchSet("fashioniq")).images).toMatchObject({ present: 2, fetched: 0 });
    expect((await fetchSet("fashioniq", { verify: true })).images).toMatchObject({ present: 1, fetched: 1 });
    expect(await readFile(join(root, "images", "A.jpg"))).toEqual(picture);
  });

  it("takes lists from elsewhere, with addresses relative to the copy", async () => {
    serveFashionIq(server, ["A", "B"], []);
    server.serve("/fiq/mine/A.jpg", picture);
    server.serve("/list.txt", `B ${server.url}fiq/mine/A.jpg\nA file:///etc/passwd\n`);
    const file = join(root, "list.txt");
    await writeFile(file, "A mine/A.jpg\n\nthree words here\nnothing\n");
    const result = await fetchSet("fashioniq", { urlLists: [file, `${server.url}list.txt`] });
    expect(result).toMatchObject({ images: { fetched: 2 }, wrongLines: 3, files: { fetched: 18 } });
    expect(server.asked.join()).not.toContain("asin2url");
  });

  it("says which annotation files cannot be had, all at once, and goes on from there", async () => {
    serveFashionIq(server, ["A"], [["A", `${server.url}img/A`]]);
    server.serve("/fiq/captions/cap.dress.val.json", "<html>Sign in</html>");
    server.serve("/fiq/captions/cap.shirt.val.json", "[1, 2");
    server.on("/fiq/image_url/asin2url.shirt.txt", (_, response) => response.writeHead(404).end());
    await expect(fetchSet("fashioniq")).rejects.toMatchObject({
      code: "FETCH_FAILED",
      message: expect.stringMatching(
        /(?=.*cap\.dress\.val\.json: .*got HTML)(?=.*cap\.shirt\.val\.json: .*must be JSON)(?=.*asin2url\.shirt\.txt: .*HTTP 404)/s,
      ),
    });
    expect(await readdir(join(root, "captions"))).toHaveLength(7);
    serveFashionIq(server, ["A"], [["A", `${server.url}img/A`]]);
    expect(await fetchSet("fashioniq", { annotationsOnly: true })).toMatchObject({
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
    const running = fetchSet("fashioniq", { signal: abort.signal, stallMs: 60_000, limits: { parallel: 2 } });
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
    expect((await fetchSet("fashioniq")).images).toMatchObject({ present: 10, fetched: 10 });
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
    await fetchSet("fashioniq", { limits: { parallel: 16 } });
    process.removeListener("warning", warn);
    expect(most).toBe(16);
    expect(warnings).toEqual([]);
  });

  it("does not share its folder with another fetch, but takes over from a dead one", async () => {
    await mkdir(join(root, ".fetch"));
    await writeFile(join(root, ".fetch", "lock"), String(process.ppid));
    await expect(fetchSet("fashioniq")).rejects.toThrow(
      `another fetch is under way in this folder; got process ${process.ppid}`,
    );
    await writeFile(join(root, ".fetch", "lock"), "2147483646");
    serveFashionIq(server, [], [["A", `${server.url}img/A`]]);
    await expect(fetchSet("fashioniq", { annotationsOnly: true })).resolves.toBeDefined();
  });
});

describe("Shoes", () => {
  const clogs = "img_womens_clogs_1.jpg";
  const boots = "img_womens_boots_22.jpg";
  const pumps = "img_womens_pumps_3.jpg";
  const broken = "img_womens_pumps_4.jpg";
  const inside = (name: string) => `attributedata/${/womens_[a-z]+/.exec(name)?.[0]}/0/${name}`;

  it("takes the named images out of an archive that means harm, once", async () => {
    serveShoes(server, [clogs, boots], [pumps, broken]);
    const archive = gzipSync(
      tarFile([
        { path: "attributedata/bags/0/img_bags_1.jpg", content: picture },
        { path: inside(clogs), content: picture },
        { path: `../../${boots}`, content: picture },
        { path: inside(boots), content: picture },
        { path: `attributedata/womens_pumps/0/${pumps}`, type: "2", link: "/etc/passwd" },
        { path: inside(broken), content: Buffer.from("no picture") },
      ]),
    );
    server.on("/shoes/attributedata.tar.gz", inTurn(truncated(archive), resumable(archive, '"a"')));
    const result = await fetchSet("shoes");
    expect(result.images).toEqual({
      wanted: 4,
      present: 0,
      fetched: 2,
      dead: 0,
      unavailable: 0,
      refused: 3,
      unlisted: 1,
    });
    expect(await readFile(join(root, "womens_boots/0", boots))).toEqual(picture);
    expect(await readFile(join(root, "womens_clogs/0", clogs))).toEqual(picture);
    for (const path of [
      "womens_pumps",
      "bags",
      "attributedata",
      join("..", boots),
      join("..", "..", boots),
    ]) {
      expect(existsSync(join(root, path)), path).toBe(false);
    }
    expect(await readdir(join(root, ".fetch"))).toEqual(["unpacked.txt"]);

    server.asked.length = 0;
    expect((await fetchSet("shoes")).images).toMatchObject({ present: 2, fetched: 0, unlisted: 2 });
    expect(server.asked).toEqual([]);
  });

  it("gets through an archive that breaks off more often than there are attempts", async () => {
    serveShoes(server, [clogs], [boots]);
    const noise = Buffer.from(Array.from({ length: 5e6 }, (_, index) => (index * index) % 251));
    const archive = tarFile([
      { path: inside(clogs), content: picture },
      { path: inside(boots), content: picture },
      { path: "noise", content: noise },
    ]);
    let asked = 0;
    server.on("/shoes/attributedata.tar.gz", (request, response) => {
      asked += 1;
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const headers = {
        etag: '"a"',
        "content-length": archive.length - start,
        "content-range": `bytes ${start}-${archive.length - 1}/${archive.length}`,
      };
      response.writeHead(start > 0 ? 206 : 200, headers);
      const part = archive.subarray(start, start + 1_200_000);
      response.write(part, () => setTimeout(() => response.end(), 20));
    });
    expect((await fetchSet("shoes", { retry: { attempts: 1 } })).images).toMatchObject({
      fetched: 2,
      unlisted: 0,
    });
    expect(asked).toBe(5);
  });

  it("reads an archive on this machine and leaves it there", async () => {
    serveShoes(server, [clogs], []);
    server.serve("/shoes/eval_im_names.txt", `${boots}\n`);
    const archive = join(root, "mine.tar");
    await writeFile(archive, tarFile([{ path: inside(clogs), content: picture }]));
    expect((await fetchSet("shoes", { archive })).images).toMatchObject({ fetched: 1, unlisted: 1 });
    expect(existsSync(archive)).toBe(true);
  });

  it("does not keep an archive that is damaged", async () => {
    serveShoes(server, [clogs], [boots]);
    const archive = gzipSync(tarFile([{ path: inside(clogs), content: await jpeg(10) }]));
    server.serve("/shoes/attributedata.tar.gz", archive.subarray(0, archive.length - 30));
    await expect(fetchSet("shoes")).rejects.toMatchObject({ code: "FETCH_FAILED" });
    server.serve("/shoes/attributedata.tar.gz", archive);
    expect((await fetchSet("shoes")).images).toMatchObject({ fetched: 1, unlisted: 1 });
  });
});

describe("Fashion200k", () => {
  const paths = ["women/dresses/a/51727804/51727804_0.jpeg", "women/dresses/b/1/1_0.jpeg"];

  it("stores images where the labels have them", async () => {
    serveFashion200k(
      server,
      [...paths, "../../up.jpeg"],
      `${paths[0]}\t${server.url}img\n../../up.jpeg\t${server.url}img\n`,
    );
    server.serve("/img", await sharp(picture).png().toBuffer());
    const result = await fetchSet("fashion200k");
    expect(result.images).toMatchObject({ wanted: 12, fetched: 1, refused: 1, unlisted: 10 });
    expect(existsSync(join(root, paths[0] ?? ""))).toBe(true);
  });

  it("says what has to be fetched by hand, and takes it from the folder", async () => {
    const withoutBase = fetchSet("fashion200k", {
      baseUrl: undefined,
      retry: { attempts: 1 },
      annotationsOnly: true,
    });
    await expect(withoutBase).rejects.toThrow(
      /labels\/dress_test_detect_all\.txt, .*: missing\. .*shared drive/,
    );
    serveFashion200k(server, paths, `${paths[0]} ${server.url}img\n`);
    await fetchSet("fashion200k", { annotationsOnly: true });
    const archive = join(root, "women.tar.gz");
    await writeFile(archive, gzipSync(tarFile(paths.map((path) => ({ path, content: picture })))));
    const result = await fetchSet("fashion200k", { baseUrl: undefined, archive });
    expect(result.images).toMatchObject({ fetched: 2, unlisted: 9 });
    expect(existsSync(join(root, paths[1] ?? ""))).toBe(true);
  });
});
