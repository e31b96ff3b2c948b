/** Text queries beside pictures that are made to take long: a picture's decoding holds nobody else up. */
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jpegOfManyScans, png } from "../pictures/make-pictures.js";
import { form, keyFile, makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
let service: Running;
let headers: Readonly<Record<string, string>>;
beforeAll(async () => {
  place = await makeSmallIndex();
  const keys = await keyFile(join(place.root, "keys.json"));
  headers = keys.headers;
  service = await start({ index: place.copy("served"), keys: keys.file, timeoutMs: 300_000 });
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

const searchWith = (picture: Uint8Array) =>
  fetch(`${service.address}/v1/search`, {
    method: "POST",
    body: form({
      request: { queries: [{ reference: { upload: "a" }, text: "is red" }], limit: 1 },
      a: picture,
    }),
  });
const put = (id: string, picture: Uint8Array) =>
  fetch(`${service.address}/v1/items/${id}`, {
    method: "PUT",
    headers,
    body: form({ item: { category: "slow" }, picture }),
  });

/** The slowest that the limits let through. */
async function slowPictures(): Promise<readonly Uint8Array[]> {
  const background = { r: 9, g: 80, b: 200, alpha: 0.5 };
  const create = { width: 760, height: 60_000, channels: 4, background } as const;
  const interlaced = await sharp({ create }).png({ progressive: true }).toBuffer();
  return [interlaced, jpegOfManyScans(7000, 7000, 16), interlaced];
}

describe("a text query", () => {
  it("is answered while pictures that take seconds are uploaded, searched with and written", async () => {
    const pictures = await slowPictures();
    const events: string[] = [];
    const note = (what: string) => async (answer: Response) => {
      expect([what, answer.status]).toEqual([what, what === "put" ? 201 : 200]);
      await answer.arrayBuffer();
      events.push(what);
    };
    const uploads = pictures.flatMap((picture, i) => [
      put(`slow ${i}`, picture).then(note("put")),
      searchWith(picture).then(note("search")),
    ]);
    let areUnderWay = true;
    const all = Promise.all(uploads).finally(() => {
      areUnderWay = false;
    });
    while (areUnderWay) {
      await service.search({ queries: [{ text: "is blue" }], limit: 3 }).then(note("text"));
      // As a client does that is faster than the uploads and slower than the model.
      await new Promise((next) => setTimeout(next, 20));
    }
    await all;
    expect(events.filter((what) => what !== "text")).toHaveLength(6);
    const before = events.findIndex((what) => what !== "text");
    expect(before, events.join(" ")).toBeGreaterThanOrEqual(2);
    // All the way, not only at the beginning: the longest row of uploads without an answer to a text between them.
    const rows = events
      .join(" ")
      .split("text")
      .map((row) => row.trim().split(" ").length);
    expect(Math.max(...rows), events.join(" ")).toBeLessThanOrEqual(3);
  });

  it("is answered beside a picture of a side of millions of pixels, which is refused", async () => {
    const line = png({ widthPx: 1, heightPx: 49_000_000, bits: 8, colourType: 2 });
    const answers = await Promise.all([put("line", line), searchWith(line)]);
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({
        error: {
          code: "IMAGE_INVALID",
          message: "image: a side is longer than 65535 pixels; got 1 x 49000000; make it smaller",
        },
      });
    }
  });
});
