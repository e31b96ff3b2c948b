import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Random } from "../../engine/tensor/random.js";
import { ConfigError } from "../../errors.js";
import { parseCaptionTemplates } from "./caption-templates.js";
import { CaptionWriter, type Change } from "./change-captions.js";

const any = {
  phrases: ["has {to} {attribute}"],
  present: ["has {attribute}"],
  absent: ["has no {attribute}"],
};

/** Every caption that a hundred seeds give. */
function captionsOf(content: unknown, changes: readonly Change[]): Set<string> {
  const writer = new CaptionWriter(parseCaptionTemplates(content, "t.json"));
  const seeds = Array.from({ length: 100 }, (_, seed) => new Random(seed));
  return new Set(seeds.flatMap((random) => writer.captions(changes, random)));
}

const change = (attribute: string, from: string, to: string): Change => ({ attribute, from, to });

describe("CaptionWriter", () => {
  it("fills templates: names of columns as words, several values with and", () => {
    expect(captionsOf({ any }, [change("heelHeight_cm", "5", "7")])).toEqual(
      new Set(["has 7 heel height cm"]),
    );
    expect(captionsOf({ any }, [change("colour", "red", "blue|red")])).toEqual(
      new Set(["has blue and red colour"]),
    );
  });

  it("knows yes and no", () => {
    expect(captionsOf({ any }, [change("belt", "no", "yes")])).toEqual(new Set(["has belt"]));
    expect(captionsOf({ any }, [change("belt", "true", "false")])).toEqual(new Set(["has no belt"]));
  });

  it("says nothing like 'instead of none'", () => {
    const content = { any, attributes: { print: { phrases: ["has {to} instead of {from}", "has {to}"] } } };
    expect(captionsOf(content, [change("print", "none", "stars")])).toEqual(new Set(["has stars"]));
    expect(captionsOf(content, [change("print", "dots", "stars")])).toEqual(
      new Set(["has stars", "has stars instead of dots"]),
    );
  });

  it("uses words, whole phrases and other names of an attribute, whatever their case", () => {
    const content = {
      any,
      attributes: {
        Sleeves: {
          phrases: ["has {to} sleeves"],
          words: { Long: ["full length"] },
          become: { none: ["is sleeveless"] },
        },
      },
      sameAs: { "Sleeve Type": "sleeves" },
    };
    expect(captionsOf(content, [change("sleeve type", "short", "long")])).toEqual(
      new Set(["has full length sleeves"]),
    );
    expect(captionsOf(content, [change("SLEEVES", "short", "none")])).toEqual(new Set(["is sleeveless"]));
  });

  it("compares only in the caption beside one that names the value", () => {
    const content = {
      any,
      attributes: {
        length: { phrases: ["is {to}"], order: ["short", "long"], more: ["is longer"], less: ["is shorter"] },
      },
    };
    const writer = new CaptionWriter(parseCaptionTemplates(content, "t.json"));
    const both = Array.from({ length: 50 }, (_, seed) =>
      writer
        .captions([change("length", "short", "long")], new Random(seed))
        .sort()
        .join(" / "),
    );
    expect(both).toContain("is long / is longer");
    expect(both.filter((pair) => !pair.startsWith("is long / "))).toEqual([]);
    expect(captionsOf(content, [change("length", "long", "short")])).toContain("is shorter");
  });

  it("does not write the same twice where there is a choice", () => {
    const content = { any: { ...any, phrases: ["a {to}", "b {to}", "c {to}"] } };
    const writer = new CaptionWriter(parseCaptionTemplates(content, "t.json"));
    const pairs = Array.from({ length: 50 }, (_, seed) =>
      writer.captions([change("colour", "red", "blue")], new Random(seed)),
    );
    expect(pairs.filter(([first, second]) => first === second)).toEqual([]);
  });

  it("says a or an", () => {
    const content = { any, attributes: { print: { phrases: ["has a {to} print"], words: { x: ["an x"] } } } };
    expect(captionsOf(content, [change("print", "dots", "animal")])).toEqual(
      new Set(["has an animal print"]),
    );
    expect(captionsOf(content, [change("print", "dots", "x")])).toEqual(new Set(["has an x print"]));
  });

  it("shares two changes between two annotators", () => {
    const captions = captionsOf({ any }, [change("colour", "a", "red"), change("fit", "a", "loose")]);
    expect(captions).toContain("has red colour");
    expect(captions).toContain("has red colour and has loose fit");
    expect(() => captionsOf({ any }, [])).toThrow(RangeError);
  });
});

describe("parseCaptionTemplates", () => {
  it("accepts the file that comes with the package", () => {
    const file = new URL("../../../configs/caption-templates.json", import.meta.url);
    const templates = parseCaptionTemplates(JSON.parse(readFileSync(file, "utf8")), "caption-templates.json");
    expect(templates.of("Color").phrases).toContain("is {to} instead of {from}");
    expect(templates.of("heel").phrases).toContain("has {to} {attribute}");
  });

  it("lists everything wrong", () => {
    const content = {
      any: { phrases: ["is it"], present: [], absent: ["no {attribut}"] },
      attributes: { colour: { phrase: ["is {to}"], more: [""] } },
    };
    const parse = () => parseCaptionTemplates(content, "my.json");
    expect(parse).toThrow(ConfigError);
    expect(parse).toThrow(
      /^my\.json: .*any\.phrases\.0: must contain \{to\}.*any\.present: must not be empty.*any\.absent\.0: may only have the placeholders.*attributes\.colour\.more\.0: must not be empty.*phrase/s,
    );
    expect(() => parseCaptionTemplates([], "my.json")).toThrow("must be a JSON object");
  });
});
