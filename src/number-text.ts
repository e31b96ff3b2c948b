/** Numbers as readers expect them, wherever a text has some. */

/** 12345 -> "12,345". */
export function formatCount(count: number): string {
  return count.toLocaleString("en-GB", { maximumFractionDigits: 0 });
}

/** Bytes in whole megabytes, never too few: 1234567890 -> "1,235 MB". */
export function formatMegabytes(bytes: number): string {
  return `${formatCount(Math.ceil(bytes / 1e6))} MB`;
}
