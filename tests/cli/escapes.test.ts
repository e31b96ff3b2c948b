/** Terminal sequences in files, names and answers of servers: none of them reaches the terminal. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProgram } from "../../src/cli/run-program.js";
import { makeSmallIndex, type SmallIndex, start } from "../service/small-index.js";
import { recordingContext } from "./recording-context.js";

/** Built here, so that no source has the characters themselves: ESC, CSI of C1, a bidi override, BEL. */
const nasty = `${String.fromCharCode(0x1b)}[31m${String.fromCharCode(0x9b)}2J${String.fromCharCode(0x202e, 7)}`;
const obeyed = /[\p{Cc}\u202A-\u202E\u2066-\u2069\u2028\u2029]/u;

let small: SmallIndex;
let root: string;
beforeAll(async () => {
  small = await makeSmallIndex();
  root = mkdtempSync(join(tmpdir(), "escapes-"));
});
afterAll(() => {
  small.remove();
  rmSync(root, { recursive: true, force: true });
});

/** Runs a command on a terminal and without one; everything that it says. */
async function said(...args: readonly string[]): Promise<string> {
  const context = recordingContext();
  await runProgram(args, context);
  const text = context.output() + context.errors();
  expect(text.replaceAll(/[\n\t]/g, " ")).not.toMatch(obeyed);
  return text;
}

/** A catalogue of one picture. */
function catalogue(name: string, text: string): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  copyFileSync(small.picture("A1"), join(folder, "a.png"));
  writeFileSync(join(folder, "catalogue.csv"), text);
  return join(folder, "catalogue.csv");
}

const index = (file: string, ...more: readonly string[]) =>
  said(
    "index",
    "--bundle",
    join(small.root, "bundle"),
    "--catalogue",
    file,
    "--out",
    `${file}-index`,
    ...more,
  );

describe("terminal sequences", () => {
  it("in a table's header", async () => {
    expect(await index(catalogue("header", `id,bild${nasty},category\n1,a.png,dress\n`))).not.toBe("");
    await index(catalogue("column", `id,image,category,fit${nasty}\n1,a.png,dress,x${nasty}\n`));
  });

  it("in an item's title, id, category and attributes", async () => {
    const file = catalogue(
      "item",
      `id,image,category,title,fit\n1${nasty},a.png,d${nasty},t${nasty},f${nasty}\n2,a.png,dress,t${nasty},x\n`,
    );
    await index(file);
    for (const more of [[], ["--json"]]) {
      const text = await said("search", "--index", `${file}-index`, "--text", `red${nasty}`, ...more);
      expect(text).not.toBe("");
    }
    await said("index", "check", `${file}-index`, "--samples", "2");
    await said("search", "--index", `${file}-index`, "--image", `no such${nasty}`);
  });

  it("in the name of a file", async () => {
    const file = catalogue("name", `id,image,category\n1,gone${nasty}.png,dress\n2,a.png,dress\n`);
    await index(file);
    expect(await said("index", "--bundle", "b", "--catalogue", `no${nasty}.csv`, "--out", "x")).toMatch(
      /u001b/,
    );
    expect(await said("serve", join(root, `no${nasty}`))).toMatch(/u001b/);
  });

  it("in a file of weights", async () => {
    const header = Buffer.from(
      JSON.stringify({ [`w${nasty}`]: { dtype: `F${nasty}`, shape: [1], data_offsets: [0, 4] } }),
    );
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(join(root, "w.safetensors"), Buffer.concat([length, header, Buffer.alloc(4)]));
    expect(await said("weights", "check", join(root, "w.safetensors"))).toMatch(/u001b/);
    const fine = Buffer.from(
      JSON.stringify({ [`w${nasty}`]: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }),
    );
    length.writeBigUInt64LE(BigInt(fine.length));
    writeFileSync(join(root, "fine.safetensors"), Buffer.concat([length, fine, Buffer.alloc(4)]));
    await said("weights", "check", join(root, "fine.safetensors"));
  });

  it("in the manifests of an index and a run", async () => {
    const folder = small.copy("manifest");
    const manifest = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
    writeFileSync(
      join(folder, "index.json"),
      JSON.stringify({ ...manifest, model: `m${nasty}`, modelId: `m${nasty}` }),
    );
    expect(await said("search", "--index", folder, "--text", "red")).toMatch(/u001b/);
    writeFileSync(join(folder, "index.json"), JSON.stringify({ ...manifest, format: nasty }));
    expect(await said("search", "--index", folder, "--text", "red")).toMatch(/u001b/);
    const run = join(root, "run");
    mkdirSync(run);
    writeFileSync(join(run, "run.json"), JSON.stringify({ [`x${nasty}`]: 1, status: nasty }));
    expect(await said("evaluate", "--run", run, "--data", run)).toMatch(/u001b/);
  });

  it("in what a server says", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        // Node.js takes no header with ESC, but the CSI of C1.
        const away = `ftp://x/${String.fromCharCode(0x9b)}2J`;
        socket.end(`HTTP/1.1 302 Found\r\nlocation: ${away}\r\ncontent-length: 0\r\n\r\n`, "latin1");
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    try {
      const text = await said(
        "data",
        "fetch",
        "fashioniq",
        "--out",
        join(root, "fetched"),
        "--attempts",
        "1",
        "--base-url",
        `http://127.0.0.1:${port}/`,
      );
      expect(text).toMatch(/only http and https are fetched/);
    } finally {
      server.close();
    }
  });

  it("in the log of a service", async () => {
    const folder = small.copy("logged");
    const service = await start({ index: folder });
    try {
      await service.get(`/v1/items/${encodeURIComponent(`x${nasty}`)}`, { "x-forwarded-for": "x" });
      writeFileSync(join(folder, "index.json"), JSON.stringify({ format: nasty }));
      await service.get("/readyz");
      await service.get("/v1/catalogue");
      expect(service.logged()).not.toBe("");
      expect(service.logged().replaceAll("\n", " ")).not.toMatch(obeyed);
    } finally {
      await service.close();
    }
  });
});
