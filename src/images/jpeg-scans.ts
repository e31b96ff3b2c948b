/** Walks over the segments of a JPEG, which decodes nothing: how many scans it has, and whether they are all there. */

export interface JpegScans {
  /** Passes over the picture: 1 of a usual file, about 10 of a progressive one; counted to 1001. */
  readonly count: number;
  /** Is the end marker there? */
  readonly hasEnd: boolean;
  /** Do the scans that have begun give every coefficient of every component to its last bit? */
  readonly areAll: boolean;
}

const coefficientCount = 64;
/** More are counted as one more: nobody reads a picture with so many, and a file may have millions. */
const countedScans = 1000;

/** The first picture of a file that begins with one; what follows its end (gain map, film) is not looked at. */
export function jpegScans(bytes: Uint8Array): JpegScans {
  const progress = new ScanProgress();
  let at = 2;
  let hasEnd = false;
  while (at + 1 < bytes.length && progress.scanCount <= countedScans) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0xff) {
      at += 1; // bytes between segments are passed over, as decoders do
    } else if (marker === 0xd9) {
      hasEnd = true;
      break;
    } else if (hasNoLength(marker)) {
      at += 2;
    } else {
      const end = at + 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
      const content = bytes.subarray(at + 4, end);
      if (isFrame(marker)) progress.frame(marker, content);
      if (marker === 0xda && end <= bytes.length) progress.scan(content);
      at = marker === 0xda ? afterEntropyCoded(bytes, end) : Math.max(end, at + 4);
    }
  }
  // A damaged length leads past the end; a file that ends with one was not cut off.
  hasEnd ||= bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;
  return { count: progress.scanCount, hasEnd, areAll: progress.isComplete };
}

/** Which bits of which coefficients the scans have given so far. */
class ScanProgress {
  scanCount = 0;
  #isProgressive = false;
  /** By component: for each coefficient the lowest bit given; 255 for none. */
  readonly #lowest = new Map<number, Uint8Array>();

  get isComplete(): boolean {
    return (
      this.#lowest.size > 0 && [...this.#lowest.values()].every((bits) => bits.every((bit) => bit === 0))
    );
  }

  /** Bits a sample, height, width, then three bytes a component. */
  frame(marker: number, content: Uint8Array): void {
    this.#isProgressive = (marker & 3) === 2;
    this.#lowest.clear();
    for (let i = 0; i < (content[5] ?? 0); i += 1) {
      this.#lowest.set(content[6 + 3 * i] ?? 0, new Uint8Array(coefficientCount).fill(255));
    }
  }

  /** Two bytes a component, then first and last coefficient, and the bits that are given. */
  scan(content: Uint8Array): void {
    this.scanCount += 1;
    const count = content[0] ?? 0;
    const [first = 0, last = 0, bits = 0] = content.subarray(1 + 2 * count);
    for (let i = 0; i < count; i += 1) {
      const lowest = this.#lowest.get(content[1 + 2 * i] ?? 0);
      // Sequential scans give everything, whatever they say of it.
      if (this.#isProgressive) lowest?.fill(bits & 15, first, last + 1);
      else lowest?.fill(0);
    }
  }
}

/** Start of frame: 0xc0 to 0xcf but for tables and an extension. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Restarts, starts and others that stand alone. */
function hasNoLength(marker: number): boolean {
  return marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

/** Where a scan's data end: at the next marker that is no restart. */
function afterEntropyCoded(bytes: Uint8Array, start: number): number {
  let at = start;
  for (; at + 1 < bytes.length; at += 1) {
    if (bytes[at] !== 0xff) continue;
    const next = bytes[at + 1] ?? 0;
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at;
  }
  return bytes.length;
}
