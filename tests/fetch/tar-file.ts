/** Writes tar files entry by entry, harmful ones too, which no tar program makes. */

export interface TarEntry {
  readonly path: string;
  readonly content?: Uint8Array;
  /** Type flag: 0 file (the default), 1 hard link, 2 symbolic link, 3 device, 5 folder, x extended header. */
  readonly type?: string;
  readonly link?: string;
  /** Size in the header, where it should not be that of the content. */
  readonly announcedBytes?: number;
}

const blockBytes = 512;

/** The entries as one tar file, with the two empty blocks at its end. */
export function tarFile(entries: readonly TarEntry[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * blockBytes)]);
}

/** A pax header that gives the next entry another path. */
export function paxPath(path: string): TarEntry {
  const body = ` path=${path}\n`;
  const length = body.length + String(body.length + 2).length;
  return { path: "pax", type: "x", content: Buffer.from(`${length}${body}`) };
}

function tarEntry({
  path,
  content = Buffer.alloc(0),
  type = "0",
  link = "",
  announcedBytes,
}: TarEntry): Buffer {
  const header = Buffer.alloc(blockBytes);
  const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, "0")}\0`;
  header.write(path, 0, 100);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108);
  header.write(octal(0, 8), 116);
  header.write(octal(announcedBytes ?? content.length, 12), 124);
  header.write(octal(0, 12), 136);
  header.fill(" ", 148, 156);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const padding = Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes);
  return Buffer.concat([header, content, padding]);
}
