import { describe, expect, it } from "vitest";
import { imageCacheOf, imageCacheOptions } from "./image-cache-flags.js";
import { readOptions } from "./read-options.js";

const flags = (values: Readonly<Record<string, unknown>>) =>
  readOptions({ command: "sdfn train", values }, imageCacheOptions);

describe("imageCacheOf", () => {
  it("takes the option, then the environment, then the system's cache folder", () => {
    const environment = { SDFN_IMAGE_CACHE: "/of/environment", XDG_CACHE_HOME: "/xdg", LOCALAPPDATA: "/xdg" };
    expect(imageCacheOf(flags({ imageCache: "/own", imageCacheGb: "3" }), environment)).toEqual({
      folder: "/own",
      maxBytes: 3e9,
    });
    expect(imageCacheOf(flags({}), environment)).toEqual({ folder: "/of/environment", maxBytes: 10e9 });
    expect(imageCacheOf(flags({}), { ...environment, SDFN_IMAGE_CACHE: "" })?.folder).toMatch(
      /sdfn[\\/]images$/,
    );
  });

  it("is nowhere when switched off, by either", () => {
    expect(imageCacheOf(flags({ imageCache: "off" }), { SDFN_IMAGE_CACHE: "/some" })).toBeUndefined();
    expect(imageCacheOf(flags({}), { SDFN_IMAGE_CACHE: "off" })).toBeUndefined();
  });

  it("refuses a bound that is no number", () => {
    expect(() => flags({ imageCacheGb: "much" })).toThrow(
      "--image-cache-gb must be a whole number from 1 to",
    );
  });
});
