/** A small index for tests of the service, and services over it with their log lines. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import sharp from "sharp";
import { exportBundle } from "../../src/bundle/export-bundle.js";
import { openBundle } from "../../src/bundle/open-bundle.js";
import type { Run } from "../../src/runs/open-run.js";
import { CatalogueIndex } from "../../src/search/index/catalogue-index.js";
import { indexCatalogue } from "../../src/search/index/index-catalogue.js";
import type { StoreSettings } from "../../src/search/store/store-kind.js";
import { addKey, type Right } from "../../src/service/keys.js";
import { type Service, type ServiceOptions, startService } from "../../src/service/start-service.js";
import { untrainedRun } from "../bundle/untrained-run.js";

export interface SmallIndex {
  readonly root: string;
  /** As it was made; tests that write take a copy. */
  readonly index: string;
  readonly ids: readonly string[];
  /** The file of an item's picture. */
  picture(id: string): string;
  /** Another index with the same items. */
  copy(name: string): string;
  remove(): void;
}

const colours = ["red", "blue", "green", "black"];

/** Twelve items in two categories: `A1` to `A6` are dresses, `A7` to `A12` shirts. */
export async function makeSmallIndex({
  store,
  run = untrainedRun(),
}: {
  readonly store?: StoreSettings;
  readonly run?: Run;
} = {}): Promise<SmallIndex> {
  const root = mkdtempSync(join(tmpdir(), "sdfn-service-"));
  const ids = Array.from({ length: 12 }, (_, i) => `A${i + 1}`);
  const picture = (id: string) => join(root, `${id}.png`);
  const rows = ["id,image,category,title,price,colour"];
  for (const [i, id] of ids.entries()) {
    const background = { r: (i * 41) % 256, g: (i * 97) % 256, b: (i * 151) % 256 };
    await sharp({ create: { width: 40 + i, height: 60, channels: 3, background } }).toFile(picture(id));
    rows.push(
      `${id},${id}.png,${i < 6 ? "dress" : "shirt"},Number ${i + 1},${10 * (i + 1)},${colours[i % 4]}`,
    );
  }
  writeFileSync(join(root, "catalogue.csv"), `${rows.join("\n")}\n`);
  exportBundle(run, join(root, "bundle"));
  const encoder = await openBundle(join(root, "bundle"));
  const index = join(root, "index");
  const install = (to: string) => cp(join(root, "bundle"), to, { recursive: true });
  const opened = await CatalogueIndex.openOrCreate(index, encoder, install, { store });
  await indexCatalogue(opened, encoder, { file: join(root, "catalogue.csv") });
  await opened.close();
  await encoder.close();
  return {
    root,
    index,
    ids,
    picture,
    copy(name) {
      cpSync(index, join(root, name), { recursive: true });
      return join(root, name);
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export interface Running extends Service {
  /** Log lines so far. */
  lines(): readonly Readonly<Record<string, unknown>>[];
  /** Everything that was logged, as it was written. */
  logged(): string;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** `POST /v1/search` with a JSON body. */
  search(body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

/** A service in this process, on a free port. */
export async function start(options: ServiceOptions): Promise<Running> {
  let logged = "";
  const logStream = new Writable({
    write(chunk: Buffer, _, done) {
      logged += chunk.toString();
      done();
    },
  });
  const service = await startService({
    logStream,
    // A test asks more than a visitor does.
    ratePerAddress: 1e6,
    modelMsPerAddress: 60_000,
    ...options,
  });
  const { address } = service;
  return {
    ...service,
    logged: () => logged,
    lines: () =>
      logged
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    get: (path, headers = {}) => fetch(address + path, { headers }),
    search: (body, headers = {}) =>
      fetch(`${address}/v1/search`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
  };
}

/** A file of keys with one that may do this. */
export async function keyFile(file: string, may: Right = "write", name: string = may) {
  const key = await addKey(file, { name, may });
  return { file, key, headers: { authorization: `Bearer ${key}` } };
}

/** A form with JSON and pictures. */
export function form(parts: Readonly<Record<string, unknown>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(parts)) {
    if (value instanceof Uint8Array)
      data.append(name, new Blob([value as Uint8Array<ArrayBuffer>]), `${name}.jpg`);
    else data.append(name, JSON.stringify(value));
  }
  return data;
}

/** Status, and code of the error if it is one. */
export async function outcome(response: Response | Promise<Response>) {
  const answer = await response;
  const text = await answer.text();
  const body = text.startsWith("{") ? JSON.parse(text) : undefined;
  return {
    status: answer.status,
    code: body?.error?.code as string | undefined,
    message: body?.error?.message as string,
  };
}
