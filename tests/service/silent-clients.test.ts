/** Clients that announce a body and do not send it: they keep nobody out, and nothing of them stays. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rawClient } from "./raw-client.js";
import { form, makeSmallIndex, outcome, type Running, type SmallIndex, start } from "./small-index.js";

let place: SmallIndex;
beforeAll(async () => {
  place = await makeSmallIndex();
});
afterAll(() => place?.remove());

/** A real search with a picture. */
const searchWithPicture = (service: Running) =>
  outcome(
    fetch(`${service.address}/v1/search`, {
      method: "POST",
      body: form({
        request: { queries: [{ reference: { upload: "a" }, text: "is red" }], limit: 1 },
        a: readFileSync(place.picture("A1")),
      }),
    }),
  );

/** Head of a form as large as a form may be, of which nothing comes. */
const announcement = [
  "POST /v1/search HTTP/1.1",
  "Host: localhost",
  "Content-Type: multipart/form-data; boundary=x",
  `Content-Length: ${32 * 2 ** 20}`,
  "\r\n",
].join("\r\n");

describe("clients that announce a form and send nothing", () => {
  it("leave every place free when they were answered and went away", async () => {
    const service = await start({ index: place.index, timeoutMs: 300 });
    for (let i = 0; i < 3; i += 1) {
      const clients = Array.from({ length: 8 }, () => rawClient(service.address, announcement));
      await Promise.all(clients.map(({ answered }) => answered));
      for (const { socket } of clients) socket.destroy();
      await Promise.all(clients.map(({ closed }) => closed));
    }
    expect(await searchWithPicture(service)).toMatchObject({ status: 200 });
    await service.close();
  });

  it.each([8, 32])("keep nobody out while %i of them are silent", async (count) => {
    const service = await start({ index: place.index, bodyTimeoutMs: 60_000 });
    const clients = Array.from({ length: count }, () => rawClient(service.address, announcement));
    await Promise.all(clients.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
    expect(await searchWithPicture(service)).toMatchObject({ status: 200 });
    expect((await service.search({ queries: [{ text: "is red" }] })).status).toBe(200);
    expect(clients.map(({ status }) => status())).toEqual(clients.map(() => 0));
    for (const { socket } of clients) socket.destroy();
    await service.close();
  });
});
