/** One file from one address: into memory, or onto disk with resumption. */
import { open, rm } from "node:fs/promises";
import { z } from "zod";
import { readJson } from "../../files/read-json.js";
import { AddressError, statusError } from "./address-error.js";
import type { HttpAnswer, HttpClient } from "./http.js";
import { fileSize, onDisk, storeFile } from "./store.js";

/** Largest file that is taken. */
export interface SizeLimit {
  readonly maxBytes: number;
}

/**
 * A file in memory.
 * @throws AddressError when it cannot be had, is larger than allowed, or takes longer than `deadlineMs`.
 */
export async function downloadBytes(
  client: HttpClient,
  address: string,
  { maxBytes, deadlineMs }: SizeLimit & { readonly deadlineMs: number },
): Promise<Uint8Array> {
  const startMs = performance.now();
  const answer = await client.get(address);
  expectStatus(address, answer, [200]);
  const encoding = answer.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") {
    answer.discard();
    throw new AddressError(address, "refused", `was sent as ${encoding}, which was not asked for`);
  }
  expectSize(address, answer, { maxBytes, got: Number(answer.headers["content-length"] ?? 0) });
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body()) {
    sizeBytes += chunk.length;
    expectSize(address, answer, { maxBytes, got: sizeBytes });
    if (performance.now() - startMs > deadlineMs) {
      throw new AddressError(address, "unavailable", `was not whole after ${deadlineMs / 1000} s`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What has to be the same for the rest of a file to fit its beginning. */
const originSchema = z.object({
  address: z.string(),
  /** ETag (strong) or Last-Modified of the file. */
  validator: z.string(),
});
type Origin = z.infer<typeof originSchema>;

/**
 * A large file, onto disk at `path`. When it breaks off, what came stays, and the next call asks for the rest if the
 * server can tell that the file is still the same. Beside it lies `{path}.from`, which says so.
 * @param onBytes called with the size so far and, where known, the whole size.
 * @throws AddressError when it cannot be had or is larger than allowed.
 */
export async function downloadFile(
  client: HttpClient,
  address: string,
  {
    path,
    maxBytes,
    onBytes,
  }: SizeLimit & { readonly path: string; onBytes(done: number, total?: number): void },
): Promise<void> {
  const originPath = `${path}.from`;
  const origin = await readJson(originPath, originSchema, () => undefined); // damaged: start anew
  const startBytes = origin?.address === address ? ((await fileSize(path)) ?? 0) : 0;
  const resume =
    startBytes > 0 && origin ? { range: `bytes=${startBytes}-`, "if-range": origin.validator } : {};
  const answer = await client.get(address, resume);
  if (answer.status === 416) {
    answer.discard();
    // The rest of nothing: the partial file is whole, or longer than the file; the next try starts anew.
    if (answer.headers["content-range"] === `bytes */${startBytes}`) return rm(originPath, { force: true });
    await rm(originPath, { force: true });
    throw new AddressError(address, "unavailable", "cannot continue where it broke off");
  }
  expectStatus(address, answer, [200, 206]);
  const from = answer.status === 206 ? rangeStart(address, answer, startBytes) : 0;
  const length = Number(answer.headers["content-length"] ?? Number.NaN);
  const total = Number.isNaN(length) ? undefined : from + length;
  expectSize(address, answer, { maxBytes, got: total ?? 0 });

  if (from === 0) {
    const validator = validatorOf(answer);
    if (validator === undefined) await rm(originPath, { force: true });
    else await storeFile(originPath, JSON.stringify({ address, validator } satisfies Origin));
  }
  await onDisk(path, async () => {
    const file = await open(path, from === 0 ? "w" : "a");
    try {
      let sizeBytes = from;
      for await (const chunk of answer.body()) {
        sizeBytes += chunk.length;
        expectSize(address, answer, { maxBytes, got: sizeBytes });
        await file.writeFile(chunk);
        onBytes(sizeBytes, total);
      }
    } finally {
      await file.close();
    }
  });
  await rm(originPath, { force: true });
}

function expectStatus(address: string, answer: HttpAnswer, expected: readonly number[]): void {
  const { status, headers } = answer;
  if (expected.includes(status)) return;
  answer.discard();
  throw statusError(address, status, { retryAfter: headers["retry-after"], nowMs: Date.now() });
}

function expectSize(
  address: string,
  answer: HttpAnswer,
  { maxBytes, got }: SizeLimit & { readonly got: number },
): void {
  if (got <= maxBytes) return;
  answer.discard();
  throw new AddressError(address, "refused", `is larger than ${maxBytes} bytes`);
}

/** @throws AddressError when the answer does not begin where the partial file ends. */
function rangeStart(address: string, answer: HttpAnswer, startBytes: number): number {
  const start = /^bytes (\d+)-/.exec(answer.headers["content-range"] ?? "")?.[1];
  if (Number(start) === startBytes) return startBytes;
  answer.discard();
  throw new AddressError(address, "refused", `answered with another range than bytes=${startBytes}-`);
}

/** If-Range takes no weak ETag. */
function validatorOf({ headers }: HttpAnswer): string | undefined {
  const { etag } = headers;
  return etag !== undefined && !etag.startsWith("W/") ? etag : headers["last-modified"];
}
