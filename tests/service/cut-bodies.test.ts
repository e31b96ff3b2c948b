/** Forms cut at every place, for both routes that take them: each client is answered or let go, and no slot stays taken. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RawClient, rawClient } from "./raw-client.js";
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
  service = await start({
    index: place.copy("served"),
    keys: keys.file,
    bodyTimeoutMs: 500,
    timeoutMs: 10_000,
  });
});
afterAll(async () => {
  await service?.close();
  place?.remove();
});

/** A piece of a request that is like no other, and its bytes. */
interface Region {
  readonly name: string;
  readonly bytes: Buffer;
}

const routes = {
  search: {
    line: "POST /v1/search HTTP/1.1",
    part: "request",
    json: { queries: [{ reference: { upload: "picture" }, text: "is red" }], limit: 1 },
    done: [200],
  },
  write: {
    line: "PUT /v1/items/cut HTTP/1.1",
    part: "item",
    json: { category: "dress", attributes: { colour: ["blue"] } },
    done: [200, 201],
  },
} as const;
type Route = keyof typeof routes;
const encodings = ["a length", "chunks"] as const;
type Encoding = (typeof encodings)[number];

const boundary = "----a-boundary-of-a-form";

function bodyRegions(route: Route): readonly Region[] {
  const { part, json } = routes[route];
  const texts: readonly (readonly [string, string | Uint8Array])[] = [
    ["preamble", "What no form is: ignored.\r\n"],
    ["first boundary", `--${boundary}\r\n`],
    ["JSON part's headers", `Content-Disposition: form-data; name="${part}"\r\nContent-Type: text/plain\r\n`],
    ["JSON part's empty line", "\r\n"],
    ["JSON", JSON.stringify(json)],
    ["line before a boundary", "\r\n"],
    ["second boundary", `--${boundary}\r\n`],
    ["picture's disposition", 'Content-Disposition: form-data; name="picture"; filename="a.png"\r\n'],
    ["picture's type", "Content-Type: image/png\r\n"],
    ["picture's empty line", "\r\n"],
    ["picture", readFileSync(place.picture("A4"))],
    ["line before the last boundary", "\r\n"],
    ["closing boundary", `--${boundary}`],
    ["closing dashes", "--"],
    ["last line", "\r\n"],
  ];
  return texts.map(([name, bytes]) => ({ name, bytes: Buffer.from(bytes) }));
}

function headRegions(route: Route, length: string): readonly Region[] {
  const lines = [
    ["request line", routes[route].line],
    ["Host", "Host: localhost"],
    ["Content-Type", `Content-Type: multipart/form-data; boundary=${boundary}`],
    ["Authorization", route === "write" ? `Authorization: ${keys.headers.authorization}` : "X-Other: 1"],
    ["length of the body", length],
  ] as const;
  return [
    ...lines.map(([name, line]) => ({ name, bytes: Buffer.from(`${line}\r\n`) })),
    { name: "end of the head", bytes: Buffer.from("\r\n") },
  ];
}

/** A whole request in regions; with chunks, each region of the body is one. */
function requestRegions(route: Route, encoding: Encoding): readonly Region[] {
  const body = bodyRegions(route);
  if (encoding === "a length") {
    const length = body.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return [...headRegions(route, `Content-Length: ${length}`), ...body];
  }
  const chunks = body.flatMap(({ name, bytes }) => [
    { name: `size of the chunk of ${name}`, bytes: Buffer.from(`${bytes.length.toString(16)}\r\n`) },
    { name, bytes },
    { name: `end of the chunk of ${name}`, bytes: Buffer.from("\r\n") },
  ]);
  const last = { name: "last chunk", bytes: Buffer.from("0\r\n\r\n") };
  return [...headRegions(route, "Transfer-Encoding: chunked"), ...chunks, last];
}

/** A request up to the start, the middle, and the last byte of each region; never the whole of it. */
function cuts(regions: readonly Region[]): readonly { readonly name: string; readonly bytes: Buffer }[] {
  const whole = Buffer.concat(regions.map(({ bytes }) => bytes));
  let start = 0;
  const places = new Map<number, string>();
  for (const { name, bytes } of regions) {
    for (const inside of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
      if (start + inside > 0 && !places.has(start + inside))
        places.set(start + inside, `${name} + ${inside}`);
    }
    start += bytes.length;
  }
  return Array.from(places, ([end, name]) => ({ name, bytes: whole.subarray(0, end) }));
}

/** Statuses that a request without its end may be answered with; 0 is the connection's end. */
const refusals = [0, 400, 408];

const slots = async () => ((await (await service.get("/readyz")).json()) as { slots: Slots }).slots;
interface Slots {
  readonly queries: { readonly taken: number; readonly free: number };
  readonly uploadBytes: { readonly taken: number; readonly free: number };
  readonly bodies: { readonly waiting: number };
}
const free = {
  queries: { taken: 0, free: 64 },
  uploadBytes: { taken: 0, free: 256 * 2 ** 20 },
  bodies: { waiting: 0 },
};

/** Both routes answer, and then all slots are free, now or in a moment. */
async function expectAllFree(): Promise<void> {
  const picture = readFileSync(place.picture("A2"));
  const searched = await outcome(
    fetch(`${service.address}/v1/search`, {
      method: "POST",
      body: form({ request: routes.search.json, picture }),
    }),
  );
  expect(searched).toMatchObject({ status: 200 });
  const written = await outcome(
    fetch(`${service.address}/v1/items/whole`, {
      method: "PUT",
      headers: keys.headers,
      body: form({ item: routes.write.json, picture }),
    }),
  );
  expect([200, 201]).toContain(written.status);
  let seen = await slots();
  for (let i = 0; i < 100 && JSON.stringify(seen) !== JSON.stringify(free); i += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await slots();
  }
  expect(seen).toEqual(free);
}

/** In groups, as a crowd of hundreds would be timed by this machine instead of by the service. */
async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += groupSize)
    await Promise.all(items.slice(i, i + groupSize).map(work));
}
const groupSize = 40;

const cases = (["search", "write"] as const).flatMap((route) =>
  encodings.map((encoding) => ({ route, encoding })),
);

describe.each(cases)("a form for $route with $encoding", ({ route, encoding }) => {
  it("is taken whole", async () => {
    const regions = requestRegions(route, encoding);
    const client = rawClient(service.address, Buffer.concat(regions.map(({ bytes }) => bytes)));
    await client.answered;
    expect(routes[route].done, client.text()).toContain(client.status());
    client.socket.destroy();
    await expectAllFree();
  });

  it("that stops anywhere leaves nothing taken when its client goes away", async () => {
    const places = cuts(requestRegions(route, encoding));
    expect(places.length).toBeGreaterThan(40);
    await inGroups(places, async ({ bytes }) => {
      const client = rawClient(service.address, bytes);
      await new Promise((resolve) => client.socket.write("", resolve));
      client.socket.destroy();
      await client.closed;
    });
    await expectAllFree();
  });

  it("that stops anywhere is ended where its client keeps silent", async () => {
    const regions = requestRegions(route, encoding);
    const head = Buffer.concat(regions.slice(0, 6).map(({ bytes }) => bytes)).length;
    await inGroups(
      // A head that does not end is no request yet; Node.js ends those after its own time.
      cuts(regions).filter(({ bytes }) => bytes.length >= head),
      async ({ name, bytes }) => {
        const client = rawClient(service.address, bytes);
        await client.answered;
        // Where the closing dashes are there, the form is whole without what follows them.
        const isWhole = bytes.includes(`--${boundary}--`);
        expect(isWhole ? [...refusals, ...routes[route].done] : [408], `${name}\n${client.text()}`).toContain(
          client.status(),
        );
        if (client.status() === 408) expect(client.text()).toMatch(/connection: close[\s\S]*BODY_TIMEOUT/i);
        await client.closed;
      },
    );
    await expectAllFree();
  });

  it("that says it ends anywhere is answered at once", async () => {
    const regions = bodyRegions(route);
    await inGroups(cuts(regions), async ({ name, bytes }) => {
      const chunk = Buffer.concat([
        Buffer.from(`${bytes.length.toString(16)}\r\n`),
        bytes,
        Buffer.from("\r\n0\r\n\r\n"),
      ]);
      const [length, body] =
        encoding === "chunks"
          ? ["Transfer-Encoding: chunked", chunk]
          : [`Content-Length: ${bytes.length}`, bytes];
      const head = headRegions(route, length).map((region) => region.bytes);
      const client: RawClient = rawClient(service.address, Buffer.concat([...head, body]));
      await client.answered;
      const isWhole = bytes.includes(`--${boundary}--`);
      expect(isWhole ? routes[route].done : [400], `${name}\n${client.text()}`).toContain(client.status());
      client.socket.destroy();
    });
    await expectAllFree();
  });
});
