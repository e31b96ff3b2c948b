import { describe, expect, it } from "vitest";
import { parseAddressList } from "./address-list.js";

describe("parseAddressList", () => {
  it("reads FashionIQ's and Fashion200k's lines", () => {
    const { addresses, wrongLines } = parseAddressList(
      "B00014NGF6 \t http://ecx.images-amazon.com/images/I/51AERD8SM8L._SY445_.jpg\r\n" +
        "B0006HJ91S \t http://ecx.images-amazon.com/images/I/31c9O%2BZOMfL._SY445_.jpg\n" +
        "women/dresses/a/1/1_0.jpeg\thttps://cdna.lystit.com/photos/1.jpg",
    );
    expect(wrongLines).toEqual([]);
    expect([...addresses]).toEqual([
      ["B00014NGF6", "http://ecx.images-amazon.com/images/I/51AERD8SM8L._SY445_.jpg"],
      ["B0006HJ91S", "http://ecx.images-amazon.com/images/I/31c9O%2BZOMfL._SY445_.jpg"],
      ["women/dresses/a/1/1_0.jpeg", "https://cdna.lystit.com/photos/1.jpg"],
    ]);
  });

  it("counts lines that it cannot use, from 1, and keeps the first of two addresses", () => {
    const { addresses, wrongLines } = parseAddressList(
      "\uFEFFA http://host/1\nA http://host/2\n\nB\nC file:///etc/passwd\nD relative.jpg\nE http://host/a b\n",
    );
    expect([...addresses]).toEqual([["A", "http://host/1"]]);
    expect(wrongLines).toEqual([4, 5, 6, 7]);
  });

  it("resolves relative addresses where it is told against what", () => {
    const { addresses } = parseAddressList("D sub/relative.jpg", new URL("http://host/base/"));
    expect(addresses.get("D")).toBe("http://host/base/sub/relative.jpg");
  });

  it("finds nothing in nothing", () => {
    expect(parseAddressList("")).toEqual({ addresses: new Map(), wrongLines: [] });
  });
});
