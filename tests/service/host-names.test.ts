/** To whom requests may be addressed: a web page whose name leads here is not answered (DNS rebinding). */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.js";
import { sdfnProcess } from "../search/shop.js";
import { rawRequest } from "./raw-request.js";
import { makeSmallIndex, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
beforeAll(async () => {
  place = await makeSmallIndex();
});
afterAll(() => place?.remove());

/** Status and text of the answer to a head as it is written. */
async function ask(service: Running, target: string, ...headers: readonly string[]) {
  const socket = connect(Number(new URL(service.address).port), "127.0.0.1");
  socket.write([`GET ${target} HTTP/1.1`, ...headers, "Connection: close", "\r\n"].join("\r\n"));
  let text = "";
  for await (const chunk of socket) text += String(chunk);
  const body = /\r\n\r\n(\{.*\})/s.exec(text)?.[1];
  const error = body === undefined ? undefined : JSON.parse(body).error;
  return { status: Number(text.slice(9, 12)), code: error?.code, message: error?.message as string };
}
const asked = (service: Running, host: string) => ask(service, "/v1/items/A1", `Host: ${host}`);

describe("a service on this machine only", () => {
  let service: Running;
  beforeAll(async () => {
    service = await start({ index: place.index, allowHosts: ["Shop.example", "bücher.example", "fd00::1"] });
  });
  afterAll(() => service?.close());

  it.each([
    "localhost",
    "LOCALHOST:8080",
    "localhost.",
    "localhost:",
    "127.0.0.1",
    "127.0.0.1:1",
    "127.8.9.10",
    "[::1]",
    "[::1]:8080",
    "[0:0:0:0:0:0:0:1]",
    "shop.example",
    "SHOP.EXAMPLE.:443",
    "xn--bcher-kva.example",
    "[fd00::1]:80",
  ])("answers to %s", async (host) => {
    expect(await asked(service, host)).toMatchObject({ status: 200 });
  });

  it.each([
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "evil.localhost",
    "notlocalhost",
    "sub.shop.example",
    "shop.example.evil.example",
    "192.0.2.1",
    "[fd00::2]",
    "0.0.0.0",
    "128.0.0.1",
  ])("does not answer to %s, and says which flag would let it", async (host) => {
    const refused = await asked(service, host);
    expect(refused).toMatchObject({ status: 421, code: "HOST_NOT_ALLOWED" });
    expect(refused.message).toMatch(/does not answer to \S+; ask it as localhost, or .* --allow-host \S+$/);
  });

  it.each([
    "",
    "a b",
    "localhost, evil.example",
    "evil@localhost",
    "localhost/",
    "localhost?",
    "localhost#",
    "localhost:port",
    "localhost:80:80",
    "localhost\\x",
    "::1",
    "[::1",
    "[::1]x",
    "[localhost]",
    ":80",
    `${"x".repeat(254)}`,
    "localhost:123456",
  ])("takes %j for no name", async (host) => {
    expect(await asked(service, host)).toMatchObject({ status: 400, code: "INPUT_INVALID" });
  });

  it("wants one Host header, whatever it says", async () => {
    for (const headers of [
      [],
      ["Host: localhost", "Host: localhost"],
      ["Host: localhost", "Host: evil.example"],
      ["Host: evil.example", "hOST: localhost"],
    ]) {
      const refused = await ask(service, "/healthz", ...headers);
      expect(refused, String(headers)).toMatchObject({ status: 400, code: "INPUT_INVALID" });
      expect(refused.message).toMatch(/^host: a request has one Host header; got (none|2); send one$/);
    }
  });

  it("looks at the name in a target as well", async () => {
    const local = "Host: localhost";
    expect(await ask(service, "http://localhost/healthz", local)).toMatchObject({ status: 200 });
    expect(await ask(service, "http://SHOP.example:99/healthz", local)).toMatchObject({ status: 200 });
    for (const target of ["http://evil.example/healthz", "HTTPS://evil.example:80/v1/items/A1"]) {
      expect(await ask(service, target, local), target).toMatchObject({ status: 421 });
    }
    for (const target of ["http://localhost@evil.example/", "http://evil@localhost/", "http:///healthz"]) {
      expect(await ask(service, target, local), target).toMatchObject({ status: 400 });
    }
    expect(await ask(service, "http://localhost/healthz", "Host: evil.example")).toMatchObject({
      status: 421,
    });
  });

  it("refuses on every route and method, what is not there included", async () => {
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/docs"],
      ["GET", "/openapi.json"],
      ["GET", "/healthz"],
      ["GET", "/readyz"],
      ["GET", "/metrics"],
      ["GET", "/nowhere"],
      ["POST", "/v1/search"],
      ["PUT", "/v1/items/A1"],
      ["DELETE", "/v1/items/A1"],
    ] as const) {
      const answer = await rawRequest(service.address, path, { method, headers: { host: "evil.example" } });
      expect([method, path, answer.status]).toEqual([method, path, 421]);
      expect(answer.text).toMatch(/x-request-id: /);
    }
    const numbers = await (await service.get("/metrics")).text();
    expect(numbers).toMatch(/^sdfn_errors_total\{code="HOST_NOT_ALLOWED"\} [1-9]/m);
  });

  it("gives pages of other origins no permission to read or write", async () => {
    const origin = "https://evil.example";
    const requests = [
      ["GET", "/v1/items/A1", { origin }],
      ["GET", "/v1/catalogue", { origin }],
      ["GET", "/nowhere", { origin }],
      ["OPTIONS", "/v1/search", { origin, "access-control-request-method": "POST" }],
      ["OPTIONS", "/v1/items/A1", { origin, "access-control-request-method": "PUT" }],
    ] as const;
    for (const [method, path, headers] of requests) {
      const { status, headers: given } = await fetch(service.address + path, { method, headers });
      const permissions = [...given.keys()].filter((name) => name.startsWith("access-control-"));
      expect([method, path, status, permissions]).toEqual([method, path, expect.any(Number), []]);
    }
  });
});

describe("a service on every address", () => {
  it("answers to the address that a connection came to, and to the names that it was told", async () => {
    const service = await start({ index: place.index, host: "0.0.0.0", allowHosts: ["shop.example"] });
    for (const host of ["localhost", "127.0.0.1:80", "shop.example"]) {
      expect(await asked(service, host), host).toMatchObject({ status: 200 });
    }
    for (const host of ["proxy.example", "0.0.0.0", "[::]", "192.0.2.1"]) {
      expect(await asked(service, host), host).toMatchObject({ status: 421 });
    }
    await service.close();
  });
});

describe("a name to allow", () => {
  it.each(["https://shop.example", "shop.example:443", "shop.example/", "*", "a b", "", "me@shop.example"])(
    "is not %j",
    async (name) => {
      await expect(start({ index: place.index, allowHosts: [name] })).rejects.toThrow(UsageError);
    },
  );

  it("may be given more than once on the command line", async () => {
    const asks: Promise<number[]>[] = [];
    const { code, errors } = await sdfnProcess(
      [
        "serve",
        place.index,
        "--port",
        "0",
        "--json",
        "--allow-host",
        "a.example",
        "--allow-host",
        "b.example",
      ],
      {
        started(child) {
          child.stdout?.once("data", (line: Buffer) => {
            const { address } = JSON.parse(line.toString()) as { address: string };
            const status = async (host: string) =>
              (await rawRequest(address, "/healthz", { headers: { host } })).status;
            asks.push(Promise.all(["a.example", "b.example", "c.example"].map(status)));
            void asks[0]?.finally(() => child.kill("SIGTERM"));
          });
        },
      },
    );
    expect(code, errors).toBe(0);
    expect(await asks[0]).toEqual([200, 200, 421]);
  });
});
