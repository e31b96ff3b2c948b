import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ImageError } from "../errors.js";
import { stackCrops } from "./crops.js";
import { ImageCache } from "./image-cache.js";
import { ImageThread } from "./image-thread.js";

let folder: string;
let thread: ImageThread;
const imagePath = (id: string) => (id === "absent" ? undefined : join(folder, `${id}.png`));
const ids = ["0", "1", "2"];
const options = { sizePx: 7 };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "image-thread-"));
  for (const id of ids) {
    const noise = { type: "gaussian", mean: 100 + Number(id), sigma: 50 } as const;
    await sharp({ create: { width: 19, height: 11, channels: 3, background: "#000", noise } }).toFile(
      join(folder, `${id}.png`),
    );
  }
  writeFileSync(join(folder, "broken.png"), "<html>");
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  thread = new ImageThread(imagePath, options);
});
afterEach(() => thread.close());

describe("ImageThread", () => {
  it("gives the same crops as an image cache on this thread", async () => {
    const crops = [
      { leftPx: 0, topPx: 2, isFlipped: false },
      { leftPx: 1, topPx: 0, isFlipped: true },
      { leftPx: 2, topPx: 1, isFlipped: true },
    ];
    const here = new ImageCache(imagePath, options);
    const expected = await stackCrops(here, ids, { crops, cropPx: 5 });
    expect(await stackCrops(thread, ids, { crops, cropPx: 5 })).toEqual(expected);
    expect(await thread.pixels("2")).toEqual(new Uint8Array(await here.pixels("2")));
    expect((await thread.statistics()).decoded).toBe(3);
  });

  it("prepares batches while this thread is busy", async () => {
    const crops = ids.map(() => ({ leftPx: 0, topPx: 0, isFlipped: false }));
    await thread.statistics(); // the thread is up
    let readyCount = 0;
    for (const id of ids) thread.stack([id], { crops, cropPx: 5 }).then(() => (readyCount += 1));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    // The answers have arrived; decoding on this thread would only begin now.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((next) => setImmediate(next));
    expect(readyCount).toBe(ids.length);
  });

  it("names what cannot be had, and continues", async () => {
    const unusable = await thread.ensure(["0", "broken", "absent"]);
    expect([...unusable.keys()]).toEqual(["broken", "absent"]);
    expect(unusable.get("broken")).toMatch(/broken\.png: must be a JPEG, PNG or WebP image; got HTML/);
    await expect(thread.pixels("broken")).rejects.toThrow(ImageError);
    await expect(thread.pixels("absent")).rejects.toThrow(/^absent: the data set has no file/);
    expect(await thread.pixels("1")).toHaveLength(7 * 7 * 3);
  });

  it("fails requests that are under way when it is closed, and later ones", async () => {
    const asked = thread.pixels("1");
    asked.catch(() => undefined);
    await thread.close();
    await expect(asked).rejects.toThrow("the image thread has ended");
    await expect(thread.pixels("1")).rejects.toThrow("the image thread has ended");
  });

  it("may be closed while an answer is under way, and the process does not end there", async () => {
    const compiled = new URL("../../dist/images/image-thread.js", import.meta.url);
    const program = `
      import { ImageThread } from ${JSON.stringify(compiled.href)};
      for (let round = 0; round < 5; round += 1) {
        const thread = new ImageThread((id) => ${JSON.stringify(folder)} + "/" + id + ".png", { sizePx: 7 });
        await thread.statistics(); // the thread is up
        thread.pixels("1").catch(() => undefined);
        // The answer arrives meanwhile; this thread sees it when close has begun.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
        await thread.close();
      }
      console.log("all closed");`;
    writeFileSync(join(folder, "program.mjs"), program);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "program.mjs")]);
    expect(stdout).toBe("all closed\n");
  });
});
