/** The text of a table's file, line by line: encodings are told by the first bytes, line ends may be of any kind. */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";

/** How a file's bytes are read. */
export interface TextFormat {
  readonly encoding: "utf-8" | "utf-16le" | "utf-16be";
  /** "\r" only where the file's beginning has no "\n". */
  readonly lineEnd: "\n" | "\r";
  /** The file's beginning. */
  readonly head: string;
}

export interface LineOptions {
  /** Longer lines are given as `tooLong`, and never held in memory whole. */
  readonly maxCharacters: number;
  /** Called with the bytes read so far. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** Stands for a line that is longer than allowed. */
export const tooLong: unique symbol = Symbol("a line that is too long");

const headBytes = 2 ** 16;

/** Looks at a file's beginning. @throws what the file system says. */
export async function textFormatOf(file: string): Promise<TextFormat> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    const bytes = buffer.subarray(0, bytesRead);
    const encoding = encodingOf(bytes);
    const head = new TextDecoder(encoding).decode(bytes, { stream: true });
    return { encoding, head, lineEnd: head.includes("\n") || !head.includes("\r") ? "\n" : "\r" };
  } finally {
    await handle.close();
  }
}

/** By byte order mark; without one, text in UTF-16 has a zero at nearly every second byte. */
function encodingOf(bytes: Uint8Array): TextFormat["encoding"] {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  const zeros = [0, 0] as [number, number];
  for (const [i, byte] of bytes.entries()) if (byte === 0) zeros[i % 2 === 0 ? 0 : 1] += 1;
  const many = bytes.length / 4;
  if (zeros[1] > many && zeros[0] < many / 10) return "utf-16le";
  if (zeros[0] > many && zeros[1] < many / 10) return "utf-16be";
  return "utf-8";
}

/** Lines without their ends, a byte order mark left out; bytes that are no text become U+FFFD. */
export async function* linesOf(
  file: string,
  { encoding, lineEnd }: TextFormat,
  { maxCharacters, onBytes }: LineOptions,
): AsyncGenerator<string | typeof tooLong> {
  const decoder = new TextDecoder(encoding);
  const finished = (line: string, isTooLong: boolean) =>
    isTooLong || line.length > maxCharacters ? tooLong : line.endsWith("\r") ? line.slice(0, -1) : line;
  let [rest, isTooLong, read] = ["", false, 0];
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    read += chunk.length;
    onBytes?.(read);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(lineEnd);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      yield finished(line, isTooLong);
      isTooLong = false;
    }
    if (rest.length > maxCharacters) [rest, isTooLong] = ["", true];
  }
  rest += decoder.decode();
  if (rest !== "" || isTooLong) yield finished(rest, isTooLong);
}
