/** `sdfn serve` as a process: its address, its signals, its end, and what a kill leaves. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { addKey, removeKey } from "../../src/service/keys.js";
import { executable, isCompiled } from "../fixtures/compiled.js";
import { sdfnProcess } from "../search/shop.js";
import { form, keyFile, makeSmallIndex, outcome, type SmallIndex } from "./small-index.js";

let place: SmallIndex;
let keys: Awaited<ReturnType<typeof keyFile>>;
const children = new Set<ChildProcess>();
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
});
afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  children.clear();
});
afterAll(() => place?.remove());

interface Served {
  readonly child: ChildProcess;
  readonly address: string;
  /** Standard error so far. */
  errors(): string;
  /** Exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts the executable and waits for its address. */
async function serve(index: string, ...options: string[]): Promise<Served> {
  const args = [executable, "serve", index, "--port", "0", "--json", ...options];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  let [output, errors] = ["", ""];
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const ended = once(child, "close").then(([code]) => code as number | null);
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.endsWith("\n")) resolve(JSON.parse(output).address);
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${errors}`)));
  });
  return { child, address, errors: () => errors, ended };
}

const search = (address: string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${address}/v1/search`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ queries: [{ text: "is red" }], limit: 1 }),
  });
const drawn = (n: number) =>
  sharp({
    create: { width: 33, height: 44, channels: 3, background: { r: n % 256, g: (n * 7) % 256, b: n >> 8 } },
  })
    .png()
    .toBuffer();
async function eventually(check: () => Promise<boolean> | boolean): Promise<void> {
  for (let i = 0; i < 200 && !(await check()); i += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await check()).toBe(true);
}

describe.skipIf(!isCompiled)("sdfn serve", () => {
  it("prints its address, answers, and ends with 0 when it is told to stop", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const { child, address, ended, errors } = await serve(place.index);
      expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect((await search(address)).status).toBe(200);
      child.kill(signal);
      expect(await ended).toBe(0);
      expect(errors()).toContain('"route":"/v1/search","status":200');
      await expect(search(address)).rejects.toThrow();
    }
  });

  it("takes the file of keys again at SIGHUP, and continues with the old keys when it is wrong", async () => {
    const file = join(place.root, "reloaded.json");
    const old = await addKey(file, { name: "old", may: "read" });
    const { child, address, errors, ended } = await serve(place.index, "--keys", file, "--require-read-key");
    const status = async (key: string) => (await search(address, { authorization: `Bearer ${key}` })).status;
    expect(await status(old)).toBe(200);
    await removeKey(file, "old");
    const fresh = await addKey(file, { name: "fresh", may: "read" });
    expect([await status(old), await status(fresh)]).toEqual([200, 401]);
    child.kill("SIGHUP");
    await eventually(async () => (await status(fresh)) === 200);
    expect(await status(old)).toBe(401);
    chmodSync(file, 0o600);
    cpSync(place.picture("A1"), file);
    child.kill("SIGHUP");
    await eventually(() => errors().includes("the keys stay as they were"));
    expect(await status(fresh)).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("finishes a write under way before it ends", async () => {
    const folder = place.copy("ending");
    const { child, address, ended } = await serve(folder, "--keys", keys.file);
    const picture = await sharp({ create: { width: 4000, height: 3000, channels: 3, background: "teal" } })
      .png()
      .toBuffer();
    const written = fetch(`${address}/v1/items/slow`, {
      method: "PUT",
      headers: keys.headers,
      body: form({ item: { category: "x" }, picture }),
    });
    await eventually(async () => /sdfn_waiting 1/.test(await (await fetch(`${address}/metrics`)).text()));
    child.kill("SIGTERM");
    expect((await written).status).toBe(201);
    expect(await ended).toBe(0);
    const index = await CatalogueIndex.open(folder, { access: "read" });
    expect(await index.get("slow")).toBeDefined();
    expect(index.manifest.contents.items).toBe(13);
    await index.close();
  });

  it("ends at once at a second signal", async () => {
    const { child, address, ended } = await serve(place.copy("twice"), "--keys", keys.file);
    const endless = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("--x\r\n")),
      pull: () => new Promise(() => undefined),
    });
    const stuck = fetch(`${address}/v1/items/B1`, {
      method: "PUT",
      body: endless,
      duplex: "half",
      headers: { ...keys.headers, "content-type": "multipart/form-data; boundary=x" },
    } as RequestInit);
    stuck.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(child.exitCode).toBeNull();
    child.kill("SIGTERM");
    expect(await ended).toBe(130);
  });

  it("says what is wrong, with the code that other commands have", async () => {
    const refused = async (...args: string[]) => {
      const { code, output, errors } = await sdfnProcess(["serve", ...args]);
      expect(output).toBe("");
      return { code, errors };
    };
    expect(await refused("--port", "70000", "--log-level", "loud", "--timeout", "0")).toMatchObject({
      code: 2,
      errors: expect.stringMatching(
        /<index> is missing[\s\S]*--port must be[\s\S]*--log-level must be[\s\S]*--timeout must be/,
      ),
    });
    expect(await refused(place.root)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^INDEX_INVALID: .*there is no index/),
    });
    const { address } = await serve(place.index);
    const { port } = new URL(address);
    expect(await refused(place.index, "--port", port)).toMatchObject({
      code: 1,
      errors: expect.stringMatching(
        new RegExp(`^ENVIRONMENT: 127\\.0\\.0\\.1:${port}: another program listens there`),
      ),
    });
    expect(await refused(place.index, "--keys", join(place.root, "none.json"))).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^CONFIG_INVALID: .*there is no such file/),
    });
    expect(await refused(place.index, "--require-read-key")).toMatchObject({
      code: 2,
      errors: expect.stringMatching(/^USAGE: /),
    });
  });

  it.skipIf(process.getuid?.() !== 0)(
    "reads an index that it may not write, and refuses to write it",
    async () => {
      const folder = place.copy("foreign");
      for (const name of ["", ...readdirSync(place.root, { recursive: true, encoding: "utf8" })]) {
        chmodSync(join(place.root, name), 0o755);
      }
      const uid = 65534;
      const asked: Promise<number>[] = [];
      const reading = await sdfnProcess(["serve", folder, "--port", "0", "--json"], {
        uid,
        started(child) {
          child.stdout?.once("data", (line: Buffer) => {
            const { address } = JSON.parse(line.toString());
            asked.push(search(address).then(({ status }) => status));
            void asked[0]?.finally(() => child.kill("SIGTERM"));
          });
        },
      });
      expect(reading.code, reading.errors).toBe(0);
      expect(await Promise.all(asked)).toEqual([200]);
      const writing = await sdfnProcess(["serve", folder, "--port", "0", "--keys", keys.file], { uid });
      expect(writing).toMatchObject({
        code: 1,
        errors: expect.stringMatching(/^INDEX_INVALID: .*the index cannot be written; got EACCES/m),
      });
    },
  );

  it("keeps no body that it refuses: memory stays where it was", async () => {
    const { address } = await serve(place.copy("memory"), "--keys", keys.file);
    const memory = async () =>
      Number(
        /^process_resident_memory_bytes (\S+)/m.exec(await (await fetch(`${address}/metrics`)).text())?.[1],
      );
    const before = await memory();
    const part = new Uint8Array(2 ** 20);
    for (const type of ["application/json", "multipart/form-data; boundary=x"]) {
      let left = 100;
      const body = new ReadableStream<Uint8Array>({
        start: (controller) =>
          controller.enqueue(
            Buffer.from('--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'),
          ),
        pull: (controller) => (left-- > 0 ? controller.enqueue(part) : controller.close()),
      });
      const answer = await fetch(`${address}/v1/${type.startsWith("multi") ? "items/B1" : "search"}`, {
        method: type.startsWith("multi") ? "PUT" : "POST",
        body,
        duplex: "half",
        headers: { ...keys.headers, "content-type": type },
      } as RequestInit);
      expect(await outcome(answer)).toMatchObject({ status: 413, code: "TOO_LARGE" });
    }
    expect((await memory()) - before).toBeLessThan(120e6);
  });
});

describe.skipIf(!isCompiled)("a service that is killed while several clients write", () => {
  it("has every item that it acknowledged, whole, and no half of any other", async () => {
    const folder = place.copy("killed");
    /** Picture's SHA-256 by id. */
    const acknowledged = new Map<string, string>();
    const removed = new Set<string>();
    let next = 0;
    for (let round = 0; round < 3; round += 1) {
      const { child, address, ended } = await serve(folder, "--keys", keys.file);
      const goal = acknowledged.size + 9;
      const client = async () => {
        for (;;) {
          const n = next;
          next += 1;
          const picture = await drawn(n);
          const path = `${address}/v1/items/K${n}`;
          try {
            const { headers } = keys;
            const answer = await fetch(path, {
              method: "PUT",
              headers,
              body: form({ item: { category: `c${n}` }, picture }),
            });
            if (answer.status === 201)
              acknowledged.set(`K${n}`, createHash("sha256").update(picture).digest("hex"));
            if (n % 5 === 4 && (await fetch(path, { method: "DELETE", headers })).status === 204)
              removed.add(`K${n}`);
          } catch {
            return; // it was killed
          }
          if (acknowledged.size >= goal) setTimeout(() => child.kill("SIGKILL"), 11 * round);
        }
      };
      await Promise.all([client(), client(), client()]);
      await ended;
    }
    expect(acknowledged.size).toBeGreaterThan(25);
    const index = await CatalogueIndex.open(folder, { access: "write" });
    for (const [id, picture] of acknowledged) {
      const item = await index.get(id);
      if (removed.has(id)) expect(item, `${id} was removed`).toBeUndefined();
      else if (Number(id.slice(1)) % 5 !== 4)
        expect(item?.entry.picture, `${id} was acknowledged`).toBe(picture);
    }
    const { entries } = await index.list({ limit: 1000 });
    const written = entries.filter(({ id }) => id.startsWith("K"));
    expect(written.length).toBeGreaterThanOrEqual(acknowledged.size - removed.size - 3);
    for (const entry of written) {
      expect(entry.category).toBe(`c${entry.id.slice(1)}`);
      const file = readFileSync((await index.pictureFile(entry)) ?? "");
      expect(createHash("sha256").update(file).digest("hex"), entry.id).toBe(entry.picture);
      expect((await sharp(await index.thumbnail(entry)).metadata()).format).toBe("webp");
      expect(Math.hypot(...((await index.get(entry.id))?.embedding ?? []))).toBeCloseTo(1, 4);
    }
    await index.close();
  });
});
