import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FetchPlace, openFetchPlace } from "../../../tests/fetch/fetch-place.js";
import { inTurn, type LocalServer, resumable, truncated } from "../../../tests/fetch/local-server.js";
import { jpeg, serveFashion200k, serveShoes } from "../../../tests/fetch/published-copies.js";
import { tarFile } from "../../../tests/fetch/tar-file.js";

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
    const result = await place.fetch("shoes");
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
      join("..", "up.jpeg"),
    ]) {
      expect(existsSync(join(root, path)), path).toBe(false);
    }
    expect(await readdir(join(root, ".fetch"))).toEqual(["unpacked.txt"]);

    server.asked.length = 0;
    expect((await place.fetch("shoes")).images).toMatchObject({ present: 2, fetched: 0, unlisted: 2 });
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
    expect((await place.fetch("shoes", { retry: { attempts: 1 } })).images).toMatchObject({
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
    expect((await place.fetch("shoes", { archive })).images).toMatchObject({ fetched: 1, unlisted: 1 });
    expect(existsSync(archive)).toBe(true);
  });

  it("says what to do when the archive is gone", async () => {
    serveShoes(server, [clogs], [boots]);
    await expect(place.fetch("shoes")).rejects.toMatchObject({
      code: "FETCH_FAILED",
      message: `${server.url}shoes/attributedata.tar.gz: HTTP 404; try again later, or name another place with --archive, --url-list or --base-url`,
    });
  });

  it("does not keep an archive that is damaged", async () => {
    serveShoes(server, [clogs], [boots]);
    const archive = gzipSync(tarFile([{ path: inside(clogs), content: await jpeg(10) }]));
    server.serve("/shoes/attributedata.tar.gz", archive.subarray(0, archive.length - 30));
    await expect(place.fetch("shoes")).rejects.toMatchObject({ code: "FETCH_FAILED" });
    server.serve("/shoes/attributedata.tar.gz", archive);
    expect((await place.fetch("shoes")).images).toMatchObject({ fetched: 1, unlisted: 1 });
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
    const result = await place.fetch("fashion200k");
    expect(result.images).toMatchObject({ wanted: 12, fetched: 1, refused: 1, unlisted: 10 });
    expect(existsSync(join(root, paths[0] ?? ""))).toBe(true);
  });

  it("says what has to be fetched by hand, and takes it from the folder", async () => {
    const withoutBase = place.fetch("fashion200k", {
      baseUrl: undefined,
      retry: { attempts: 1 },
      annotationsOnly: true,
    });
    await expect(withoutBase).rejects.toThrow(
      /labels\/dress_test_detect_all\.txt, .*: missing\. .*shared drive/,
    );
    serveFashion200k(server, paths, `${paths[0]} ${server.url}img\n`);
    await place.fetch("fashion200k", { annotationsOnly: true });
    const archive = join(root, "women.tar.gz");
    await writeFile(archive, gzipSync(tarFile(paths.map((path) => ({ path, content: picture })))));
    const result = await place.fetch("fashion200k", { baseUrl: undefined, archive });
    expect(result.images).toMatchObject({ fetched: 2, unlisted: 9 });
    expect(existsSync(join(root, paths[1] ?? ""))).toBe(true);
  });
});
