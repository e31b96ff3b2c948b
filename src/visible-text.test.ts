import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { rawStream, visibleLine, visibleStream, visibleText } from "./visible-text.js";

/** Built here, so that no source has the characters themselves. */
const of = (...codes: readonly number[]) => String.fromCharCode(...codes);
const [esc, csi, overridden] = [of(0x1b), of(0x9b), of(0x202e)];

describe("visibleText", () => {
  it("shows what a terminal would obey, and leaves words, line breaks and tabs", () => {
    expect(visibleText(`a${esc}[2Jb${csi}31mc${overridden}d${of(0x0d)}e${of(0x7f)}f`)).toBe(
      "a\\u001b[2Jb\\u009b31mc\\u202ed\\u000de\\u007ff",
    );
    const words = "Kleid größer 連衣裙 🧥 فستان\tx\n";
    expect(visibleText(words)).toBe(words);
    expect(visibleLine("a\nb\tc")).toBe("a\\nb\\tc");
  });

  it("keeps what a JSON text says", () => {
    const value = { title: `${esc}]0;x${of(7)} ${csi} ${overridden} ${of(0x2028)}` };
    const text = visibleText(JSON.stringify(value));
    expect(text).toMatch(/^[ -~]*$/);
    expect(JSON.parse(text)).toEqual(value);
  });
});

describe("visibleStream", () => {
  it("is the stream but for what is written to it", () => {
    const chunks: string[] = [];
    const inner = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
    inner.on("data", (chunk: Buffer) => chunks.push(chunk.toString()));
    const stream = visibleStream(inner);
    stream.write(`a${esc}b`);
    stream.write(Buffer.from(`c${csi}d`));
    expect(chunks).toEqual(["a\\u001bb", "c\\u009bd"]);
    expect([stream.isTTY, stream.columns]).toEqual([true, 80]);
    expect(visibleStream(stream)).toBe(stream);
    expect([rawStream(stream), rawStream(inner)]).toEqual([inner, inner]);
  });
});
