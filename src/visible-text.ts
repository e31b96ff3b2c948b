/** Makes what a terminal would obey visible: what files, servers and clients say must not move the cursor. */

/**
 * Control characters (C0, DEL, C1: among them the ESC and CSI that begin terminal sequences), and what turns the
 * direction of text or begins a new line without looking like it.
 */
const unseen = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

/**
 * A text with such characters, but line breaks and tabs, written as JSON writes them: "\u001b" for ESC. A text that is
 * JSON says the same afterwards.
 */
export function visibleText(text: string): string {
  return text.replace(unseen, (character) =>
    character === "\n" || character === "\t"
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The same for what must stay on one line: line breaks and tabs too. */
export function visibleLine(text: string): string {
  return visibleText(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/** Streams by those that write visible text only. */
const rawStreams = new WeakMap<object, NodeJS.WritableStream>();

/** A stream that writes visible text only to another. All else about it is the other's. */
export function visibleStream<T extends NodeJS.WritableStream>(stream: T): T {
  if (rawStreams.has(stream)) return stream;
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean =>
    Reflect.apply(stream.write, stream, [
      visibleText(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString()),
      ...rest,
    ]);
  const visible = new Proxy(stream, {
    get(target, key) {
      if (key === "write") return write;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  rawStreams.set(visible, stream);
  return visible;
}

/** The stream below one of `visibleStream`: for bars, which draw themselves with terminal sequences. */
export function rawStream<T extends NodeJS.WritableStream>(stream: T): T {
  return (rawStreams.get(stream) as T | undefined) ?? stream;
}
