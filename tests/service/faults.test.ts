/** What comes from outside and should not: pictures, texts, ids and bodies that somebody made to break something. */
import { createReadStream, truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawRequest } from "./raw-request.js";
import {
  form,
  keyFile,
  makeSmallIndex,
  outcome,
  type Running,
  type SmallIndex,
  start,
} from "./small-index.js";

let place: SmallIndex;
let service: Running;
let keys: Awaited<ReturnType<typeof keyFile>>;
beforeAll(async () => {
  place = await makeSmallIndex();
  keys = await keyFile(join(place.root, "keys.json"));
  service = await start({ index: place.copy("served"), keys: keys.file });
});
afterAll(async () => {
  // Whatever was sent, nothing of it was a bug.
  expect(service.lines().filter(({ level }) => level === "error")).toEqual([]);
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
    headers: keys.headers,
    body: form({ item: { category: "fault" }, picture }),
  });

/** A PNG that claims these sizes and has little behind it. */
function claimedPng(width: number, height: number): Buffer {
  const chunk = (name: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.alloc(100_000));
  return Buffer.concat([start, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const plain = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "white" } });

describe("pictures", () => {
  it("that are none, cut off, or too large are refused and not kept", async () => {
    const whole = await plain(300, 200).jpeg().toBuffer();
    const pictures: Readonly<Record<string, Uint8Array>> = {
      empty: new Uint8Array(),
      "cut off": whole.subarray(0, whole.length / 2),
      "its first bytes": whole.subarray(0, 20),
      svg: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'),
      "html named .jpg": Buffer.from("<!doctype html><script>alert(1)</script>"),
      gif: await plain(8, 8).gif().toBuffer(),
      tiff: await plain(8, 8).tiff().toBuffer(),
      noise: Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)),
      "noise after a JPEG's start": Buffer.concat([whole.subarray(0, 3), Buffer.alloc(5000, 7)]),
      "a claim of 2.5 gigapixels": claimedPng(50_000, 50_000),
      "a claim of 49 megapixels": claimedPng(7000, 7000),
      "60 megapixels": await plain(10_000, 6000).png({ compressionLevel: 9 }).toBuffer(),
    };
    for (const [name, picture] of Object.entries(pictures)) {
      for (const answer of [searchWith(picture), put("F1", picture)]) {
        const { status, code, message } = await outcome(answer);
        expect([name, status, code]).toEqual([name, 400, "IMAGE_INVALID"]);
        expect(message).toMatch(/^image: /);
      }
    }
    expect((await service.get("/v1/items/F1")).status).toBe(404);
  });

  it("of one pixel, of 40 megapixels, and with transparency are taken", async () => {
    const pictures = [
      await plain(1, 1).png().toBuffer(),
      await plain(8000, 5000).png({ compressionLevel: 9 }).toBuffer(),
      await sharp({ create: { width: 9, height: 9, channels: 4, background: "#ff000000" } })
        .webp()
        .toBuffer(),
    ];
    for (const [i, picture] of pictures.entries()) {
      expect((await searchWith(picture)).status, `picture ${i}`).toBe(200);
      expect((await put(`big${i}`, picture)).status, `picture ${i}`).toBe(201);
    }
  });
});

describe("bodies", () => {
  it("of 100 MB are refused without being kept, with or without a length", async () => {
    const file = join(place.root, "large");
    writeFileSync(file, "");
    truncateSync(file, 100e6);
    const stream = () => Readable.toWeb(createReadStream(file)) as ReadableStream;
    const boundary = { "content-type": "multipart/form-data; boundary=x" };
    const head = new TextEncoder().encode(
      '--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n',
    );
    const endless = () => {
      const reader = stream().getReader();
      return new ReadableStream({
        start: (controller) => controller.enqueue(head),
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
      });
    };
    const sent: Readonly<Record<string, () => Promise<Response>>> = {
      "JSON of a length": () => service.search("x".repeat(100e6)),
      "JSON without": () =>
        fetch(`${service.address}/v1/search`, {
          method: "POST",
          body: stream(),
          duplex: "half",
          headers: { "content-type": "application/json" },
        } as RequestInit),
      "a form of a length": () => put("F2", new Uint8Array(100e6)),
      "a form without": () =>
        fetch(`${service.address}/v1/items/F2`, {
          method: "PUT",
          body: endless(),
          duplex: "half",
          headers: { ...keys.headers, ...boundary },
        } as RequestInit),
      "a picture over its limit": () => put("F2", new Uint8Array(21 * 2 ** 20)),
    };
    for (const [name, send] of Object.entries(sent)) {
      const { status, code } = await outcome(send());
      expect([name, status, code]).toEqual([name, 413, "TOO_LARGE"]);
    }
    expect((await service.search({ limit: 1 })).status).toBe(200);
  });

  it("of a wrong kind, cut off, or not what they say are refused", async () => {
    const send = (type: string | undefined, body: string) =>
      rawRequest(service.address, "/v1/search", {
        method: "POST",
        body,
        headers: type === undefined ? {} : { "content-type": type },
      });
    const part = '--x\r\nContent-Disposition: form-data; name="request"\r\n\r\n';
    const form = "multipart/form-data; boundary=x";
    const cases: readonly (readonly [type: string | undefined, body: string, status: number])[] = [
      ["text/plain", "{}", 415],
      ["application/x-www-form-urlencoded", "a=b", 415],
      ["image/png", "\x89PNG", 415],
      ["application/json", "{", 400],
      ["application/json", "", 400],
      ["application/json", "null", 400],
      ["application/json", "[]", 400],
      ["application/json", '"x"', 400],
      ["application/json", '{"limit":1e999}', 400],
      ["application/json", '{"__proto__":{"limit":1}}', 400],
      ["application/json", '{"constructor":{"prototype":{"x":1}}}', 400],
      ["application/json", `${"[".repeat(50_000)}${"]".repeat(50_000)}`, 400],
      ["application/json; charset=utf-16", "{}", 200],
      ["multipart/form-data", "x", 400],
      [form, "", 400],
      [form, "nothing", 400],
      [form, `${part}{}`, 400],
      [form, `${part}{}\r\n--x--`, 200],
      [form, `${part}{}\r\n${part}{}\r\n--x--`, 413],
      [form, `${part}{"limit":\r\n--x--`, 400],
      [form, `${part}${"[".repeat(100_000)}\r\n--x--`, 400],
      [form, `${part}"${"x".repeat(300_000)}"\r\n--x--`, 413],
      [form, '--x\r\nContent-Disposition: form-data; name="__proto__"; filename="a"\r\n\r\nx\r\n--x--', 400],
      [
        form,
        '--x\r\nContent-Disposition: form-data; name="constructor"; filename="a"\r\n\r\nx\r\n--x--',
        400,
      ],
      [form, '--x\r\nContent-Disposition: form-data; filename="../../a"\r\n\r\nx\r\n--x--', 400],
    ];
    for (const [type, body, status] of cases) {
      const answer = await send(type, body);
      expect([
        type,
        body.slice(0, 90),
        answer.status,
        answer.status === status ? "" : answer.text.slice(0, 300),
      ]).toEqual([type, body.slice(0, 90), status, ""]);
    }
    const many = Array.from(
      { length: 30 },
      (_, i) => `--x\r\nContent-Disposition: form-data; name="p${i}"; filename="a"\r\n\r\nx\r\n`,
    );
    expect((await send(form, `${many.join("")}--x--`)).status).toBe(413);
  });
});

describe("texts", () => {
  it("of any kind are searched for, and too long ones are refused", async () => {
    const texts = [
      "👗👠 🧥",
      "فستان أحمر طويل",
      "שמלה אדומה",
      "\u202Eder si\u202C",
      "a\u0000b",
      "\u0007\u001B[31mred",
      "é".normalize("NFD").repeat(500),
    ];
    texts.push(
      "\uFFFE\uFFFF",
      "'; DROP TABLE items; --",
      "%s%n{{7*7}}#{7*7}",
      "<script>alert(1)</script>",
      "x".repeat(2000),
    );
    for (const text of texts) {
      const { status } = await service.search({ queries: [{ reference: { id: "A1" }, text }], limit: 1 });
      expect([text.slice(0, 30), status]).toEqual([text.slice(0, 30), 200]);
      const alone = await outcome(service.search({ queries: [{ text }], limit: 1 }));
      expect([200, 400]).toContain(alone.status);
    }
    const empty = await service.search({ queries: [{ reference: { id: "A1" }, text: "" }] });
    expect(empty.status).toBe(200);
    expect(await outcome(service.search({ queries: [{ text: "" }] }))).toMatchObject({ status: 400 });
    for (const text of ["x".repeat(10_000), "\uD800"]) {
      expect(await outcome(service.search({ queries: [{ text }] }))).toMatchObject({
        status: 400,
        code: "INPUT_INVALID",
      });
    }
  });
});

describe("ids and filters", () => {
  const names = [
    "'",
    "''; DROP TABLE items; --",
    "' OR '1'='1",
    '"',
    "\\",
    "\\'",
    "a\u0000b",
    "\u0001",
    "%",
    "_",
    "*",
    "`",
    "../../etc/passwd",
    "🧥",
  ];

  it("of any kind are compared as they are", async () => {
    for (const name of names) {
      for (const condition of [
        { kind: "id", anyOf: [name] },
        { kind: "category", anyOf: [name] },
        { kind: "attribute", name, anyOf: [name] },
        { kind: "attribute", name: "colour", anyOf: [name] },
      ]) {
        for (const queries of [[], [{ text: "is red" }]]) {
          const found = await service.search({ queries, filter: [condition] });
          expect([condition, found.status]).toEqual([condition, 200]);
          expect(((await found.json()) as { fitting: number }).fitting, JSON.stringify(condition)).toBe(0);
        }
      }
      expect(await outcome(service.search({ queries: [{ reference: { id: name } }] })), name).toMatchObject({
        status: 400,
        code: "USAGE",
      });
    }
    const half = await outcome(service.search({ filter: [{ kind: "id", anyOf: ["\uD800"] }] }));
    expect(half).toMatchObject({ status: 400, code: "INPUT_INVALID" });
    const far = await service.search({ filter: [{ kind: "price", min: -1e308, max: 1e308 }], limit: 1 });
    expect(far.status).toBe(200);
    const wide = { kind: "category", anyOf: Array.from({ length: 100 }, (_, i) => `c${i}`) };
    expect(await outcome(service.search({ filter: Array.from({ length: 32 }, () => wide) }))).toMatchObject({
      status: 400,
      code: "USAGE",
      message: expect.stringMatching(/at most 1000 conditions/),
    });
  });

  it("in paths lead to items and nowhere else", async () => {
    const paths = [
      "/v1/items/..%2f..%2findex.json",
      "/v1/items/%2e%2e%2findex.json/picture",
      "/v1/items/../../etc/passwd",
      "/v1/items/A1%00",
      "/v1/items/%00",
      "/v1/items/A1%2Fpicture",
      "/v1/items/A1/picture/..",
      "/v1/items//picture",
      "/v1/items/%27%20OR%20%271%27%3D%271",
      "/v1/items/%F0%9F%A7%A5",
      "/v1/items/%ED%A0%80",
      "/v1/items/%",
      "/v1/items/%zz",
      "/v1/thumbnails/..%2f..%2fbundle%2fmanifest.json",
      `/v1/thumbnails/${"a".repeat(63)}%2f`,
      "/../../../etc/passwd",
      "/%2e%2e/%2e%2e/etc/passwd",
      "/assets/../../package.json",
      "//etc/passwd",
      "/\\..\\..\\x",
      "/docs/static/../../package.json",
      "/docs/static/%2e%2e/%2e%2e/package.json",
      "/docs/static/..%5c..%5cpackage.json",
      `/v1/items/${"x".repeat(5000)}`,
      `/v1/items/${"%C3%A9".repeat(300)}`,
      "/v1/items/A1?x=%zz&x[]=1",
      "*",
    ];
    for (const path of paths) {
      for (const method of ["GET", "DELETE"]) {
        const answer = await rawRequest(service.address, path, {
          method,
          headers: method === "GET" ? {} : keys.headers,
        });
        const isHarmless =
          (answer.status >= 400 && answer.status < 500) ||
          path.startsWith("/v1/items/A1?") ||
          method === "DELETE";
        expect([method, path, answer.status, isHarmless && answer.status !== 500]).toEqual([
          method,
          path,
          answer.status,
          true,
        ]);
        expect(answer.text).not.toMatch(/root:|"format"|"dependencies"/);
      }
    }
    // Of all that was to be removed, one was an item.
    const { fitting } = (await (
      await service.search({ filter: [{ kind: "category", anyOf: ["dress", "shirt"] }] })
    ).json()) as {
      fitting: number;
    };
    expect(fitting).toBe(11);
  });
});

describe("what is no HTTP", () => {
  it("is answered as such", async () => {
    const send = (bytes: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(Number(new URL(service.address).port), "127.0.0.1", () => socket.write(bytes));
        let text = "";
        socket.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        socket.on("close", () => resolve(text));
        socket.on("error", () => undefined);
      });
    expect(await send("nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 [\s\S]*INPUT_INVALID/);
    expect(await send(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect((await service.get("/healthz")).status).toBe(200);
  });
});
