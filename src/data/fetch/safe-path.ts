/** Names from lists and archives as paths that cannot leave their folder. */

/** Longest name that common file systems take, less the ending of a partial file. */
const maxNameBytes = 240;
/** Names that Windows gives to devices, with or without an ending. */
const deviceName = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * The relative path that `text` names, with slashes between its parts; undefined when it is absolute or empty, leads
 * upwards, or has a part that is hidden, too long, or not a plain name on some system.
 * A leading `./`, which tar writes, is dropped.
 */
export function safeRelativePath(text: string): string | undefined {
  const parts = text.replace(/^(?:\.\/)+/, "").split("/");
  return parts.every(isPlainName) ? parts.join("/") : undefined;
}

/** Is it one part of a path: no slash, no leading dot, nothing that a system reads as something else? */
export function isPlainName(name: string): boolean {
  return (
    /^(?!\.)[^\p{Cc}\p{Cs}/\\:*?"<>|]+(?<![. ])$/u.test(name) &&
    Buffer.byteLength(name) <= maxNameBytes &&
    !deviceName.test(name)
  );
}
