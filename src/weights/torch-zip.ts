/** torch.save's format since torch 1.6: a zip of one pickle and one uncompressed entry for each storage. */
import { crc32 } from "node:zlib";
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from "yauzl";
import { WeightsError } from "../errors.js";
import { readElements, storedSizeBytes } from "../tensor-files/stored-type.js";
import type { WeightsSource } from "../tensor-files/weights-source.js";
import { readPickle } from "./pickle.js";
import { TensorReader, torchPickle } from "./torch-tensor.js";

const maxEntries = 100_000;
/** A ResNet-101's pickle takes 0.1 MB. */
const maxPickleBytes = 64 * 2 ** 20;

/** Reads bytes of one entry of the zip, named without the folder that torch puts everything in. */
type ReadEntry = (name: string) => Uint8Array<ArrayBuffer>;

/**
 * The value that was saved, tensors as references, and what reads those.
 * @throws WeightsError for a zip that is damaged, compressed (torch's never are), or not torch's.
 */
export async function openTorchZip(
  source: WeightsSource,
): Promise<{ readonly value: unknown; readonly reader: TensorReader }> {
  const { file } = source;
  const read = await openEntries(source);
  const pickle = torchPickle(file);
  const { value } = readPickle(read("data.pkl"), 0, pickle);
  const reader = new TensorReader(
    file,
    ({ key, type, length }) => {
      const bytes = read(`data/${key}`);
      if (bytes.length !== length * storedSizeBytes(type)) {
        throw new WeightsError(
          `${file}: data/${key} must hold ${length} elements of ${type}; got ${bytes.length} bytes`,
        );
      }
      return readElements(type, bytes);
    },
    { copiedBytes: 4 * source.sizeBytes },
  );
  return { value, reader };
}

/** Gives yauzl the parts it asks for. Its own reader ends the process over a position that no file can have. */
class SourceReader extends RandomAccessReader {
  readonly #source: WeightsSource;

  constructor(source: WeightsSource) {
    super();
    this.#source = source;
  }

  override read(...[buffer, offset, length, position, done]: Parameters<RandomAccessReader["read"]>): void {
    let failure: Error | null = null;
    try {
      buffer.set(this.#source.read(position, length), offset);
    } catch (error) {
      failure = error as Error;
    }
    setImmediate(done, failure);
  }
}

async function openEntries(source: WeightsSource): Promise<ReadEntry> {
  const { file } = source;
  const entries = new Map<string, { readonly entry: Entry; readonly start: number }>();
  try {
    const options = { lazyEntries: true, autoClose: false };
    const zip = await fromRandomAccessReaderPromise(new SourceReader(source), source.sizeBytes, options);
    try {
      if (zip.entryCount > maxEntries)
        throw new WeightsError(`${file}: must have at most ${maxEntries} entries; got ${zip.entryCount}`);
      for await (const entry of zip.eachEntry()) {
        const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
        entries.set(entry.fileName.replace(/^[^/]*\//, ""), { entry, start: fileDataStart });
      }
    } finally {
      zip.close();
    }
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    throw new WeightsError(
      `${file}: the zip is damaged or cut short; got ${(cause as Error).message}; copy or download it again`,
      { cause },
    );
  }
  if (!entries.has("data.pkl")) {
    const names = [...entries.keys()].slice(0, 3).join(", ");
    throw new WeightsError(
      `${file}: a zip, but not one of torch.save's: data.pkl is missing; got ${names || "no entry"}`,
    );
  }
  // Entries that lie on top of each other would give more bytes than the file has.
  let bytesLeft = source.sizeBytes;
  const read: ReadEntry = (name) => {
    const found = entries.get(name);
    if (!found) throw new WeightsError(`${file}: ${name} is missing; copy or download the file again`);
    const { entry, start } = found;
    if (
      entry.compressionMethod !== 0 ||
      entry.compressedSize !== entry.uncompressedSize ||
      entry.isEncrypted()
    )
      throw new WeightsError(
        `${file}: ${name} is compressed or encrypted, torch.save's entries never are; save it again with torch`,
      );
    if (name === "data.pkl" && entry.uncompressedSize > maxPickleBytes)
      throw new WeightsError(`${file}: its pickle must have at most ${maxPickleBytes} bytes`);
    bytesLeft -= entry.uncompressedSize;
    if (bytesLeft < 0) throw new WeightsError(`${file}: its entries take more than the file`);
    const bytes = source.read(start, entry.uncompressedSize);
    if (crc32(bytes) !== entry.crc32) {
      throw new WeightsError(`${file}: ${name} is damaged, its checksum differs; copy or download it again`);
    }
    return bytes;
  };
  if (entries.has("byteorder") && Buffer.from(read("byteorder")).toString() !== "little")
    throw new WeightsError(`${file}: must be of a little-endian machine; save it again on one`);
  return read;
}
