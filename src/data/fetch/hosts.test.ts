import { describe, expect, it } from "vitest";
import { guardedLookup, hostOf, isPrivateAddress, parseAddress, refusePrivateNumber } from "./hosts.js";

describe("isPrivateAddress", () => {
  it.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "0.0.0.0",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fd00::1",
    "fe80::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "2002:7f00:1::",
    "not an address",
  ])("%s is", (ip) => expect(isPrivateAddress(ip)).toBe(true));

  it.each([
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.1",
    "192.169.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
  ])("%s is not", (ip) => expect(isPrivateAddress(ip)).toBe(false));
});

describe("parseAddress", () => {
  it("takes http and https, and relative ones with a base", () => {
    expect(parseAddress("https://host/a%20b").href).toBe("https://host/a%20b");
    expect(parseAddress("../b", new URL("http://host/x/y")).href).toBe("http://host/b");
  });

  it.each(["file:///etc/passwd", "ftp://host/a", "data:text/plain,x", "gopher://host", "nothing"])(
    "refuses %s",
    (text) => {
      expect(() => parseAddress(text)).toThrow(expect.objectContaining({ kind: "refused" }));
    },
  );

  it("reads numbers in disguise as what they are", () => {
    for (const text of ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"]) {
      expect(() => refusePrivateNumber(parseAddress(text), new Set())).toThrow("private host (127.0.0.1)");
    }
    expect(hostOf(parseAddress("http://[::1]:80/"))).toBe("::1");
    expect(() => refusePrivateNumber(parseAddress("http://[::1]/"), new Set())).toThrow("private host");
    expect(() => refusePrivateNumber(parseAddress("http://[::1]/"), new Set(["::1"]))).not.toThrow();
  });
});

describe("guardedLookup", () => {
  const find = (host: string, allowed: ReadonlySet<string>) =>
    new Promise((resolve, reject) => {
      guardedLookup(allowed)(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
    });

  it("refuses names of private hosts unless they were named", async () => {
    await expect(find("localhost", new Set())).rejects.toMatchObject({ kind: "refused" });
    expect(await find("localhost", new Set(["localhost"]))).not.toHaveLength(0);
  });
});
