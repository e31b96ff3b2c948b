// Forms sent to a running service: answered or refused, never with a fault, and the service continues.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Writable } from "node:stream";
import { Disagreement } from "../disagreement.mjs";
import { mutated } from "../mutate.mjs";
import { makeIndex } from "../place.mjs";
import { addKey, startService } from "../project.mjs";

const boundary = "fuzz";
const words = [
  "\r\n",
  "\n",
  `--${boundary}`,
  `--${boundary}--`,
  "\r\n\r\n",
  "Content-Disposition: form-data; ",
  'name="',
  'filename="',
  "Content-Type: ",
  "Content-Transfer-Encoding: base64",
  "request",
  "item",
  "picture",
  "__proto__",
  '"',
  ";",
  "charset=utf-16",
  "{",
  "[",
  '"a"',
  "filename*=UTF-8''%00",
  "\0",
];
/** What the service may say to a form. */
const statuses = new Set([200, 201, 400, 404, 408, 413, 415]);

export const form = {
  memoryMib: 256,
  async open(scratch) {
    const index = await makeIndex(scratch);
    const keys = join(scratch, "keys.json");
    const key = await addKey(keys, { name: "fuzz", may: "write" });
    let faults = "";
    const logStream = new Writable({
      write(chunk, _, done) {
        for (const line of chunk.toString().split("\n"))
          if (line.includes('"level":"error"') || line.includes('"level":50')) faults += line;
        done();
      },
    });
    const service = await startService({ index, keys, logStream, ratePerAddress: 1e6 });
    const picture = readFileSync(join(scratch, "A3.png"));
    const search = body([
      ["request", '{"queries":[{"reference":{"upload":"a"},"text":"is red"}],"limit":1}'],
      ["a", picture],
    ]);
    const item = body([
      ["item", '{"category":"dress","title":"New","price":3,"attributes":{"colour":["red"]}}'],
      ["picture", picture],
    ]);
    const port = Number(new URL(service.address).port);
    return {
      make: (random) =>
        Buffer.concat([Buffer.from(random.pick(["S", "I"])), mutated(random, [search, item], words)]),
      async check(bytes) {
        const [method, path] = bytes[0] === 0x53 ? ["POST", "/v1/search"] : ["PUT", "/v1/items/B1"];
        const status = await send(port, { method, path, key, sent: bytes.subarray(1) });
        if (faults !== "") {
          const fault = faults;
          faults = "";
          throw new Disagreement(`the service logged a fault: ${fault}`);
        }
        if (!statuses.has(status)) throw new Disagreement(`answered with ${status}`);
      },
      async close() {
        const answer = await fetch(`${service.address}/readyz`);
        await service.close();
        if (answer.status !== 200) throw new Disagreement(`not ready at the end: ${answer.status}`);
      },
    };
  },
};

function body(parts) {
  const bytes = parts.flatMap(([name, value]) => {
    const file = typeof value === "string" ? "" : `; filename="${name}.png"`;
    return [`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`, value, "\r\n"];
  });
  return Buffer.concat([...bytes, `--${boundary}--\r\n`].map((part) => Buffer.from(part)));
}

/** The status of the answer; 0 when the connection ended without one. */
function send(port, { method, path, key, sent }) {
  const head = [
    `${method} ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    "connection: close",
    `authorization: Bearer ${key}`,
    `content-type: multipart/form-data; boundary=${boundary}`,
    `content-length: ${sent.length}`,
  ];
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)));
    socket.write(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), sent]));
  });
}
