import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import { codeOf, diskError, isErrno } from "./errno.js";

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
const missing = caught(() => readFileSync("/no/such/file"));
const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", syscall: "write" });

describe("isErrno", () => {
  it("knows an error of the system, and its code among those that are asked for", () => {
    expect(isErrno(missing)).toBe(true);
    expect(isErrno(missing, "EACCES", "ENOENT")).toBe(true);
    expect(isErrno(missing, "EACCES")).toBe(false);
  });

  it("takes neither errors of the program nor what is no error", () => {
    for (const other of [new UsageError("wrong"), new RangeError("wrong"), { code: "ENOENT" }, undefined]) {
      expect(isErrno(other)).toBe(false);
      expect(isErrno(other, "ENOENT")).toBe(false);
    }
    expect(codeOf(caught(() => readFileSync("a\0b")))).toBe("ERR_INVALID_ARG_VALUE");
    expect(isErrno(caught(() => readFileSync("a\0b")))).toBe(false);
  });
});

describe("diskError", () => {
  it("names the file, the reason and the next step, and leaves other errors alone", () => {
    expect(diskError("runs/a", full)).toMatchObject({
      code: "ENVIRONMENT",
      message: "runs/a: the disk is full; got ENOSPC; make room",
    });
    expect(diskError("runs/a", missing)).toMatchObject({
      code: "ENVIRONMENT",
      message: expect.stringContaining("runs/a: cannot be written; got ENOENT"),
    });
    const other = new RangeError("no");
    expect(diskError("runs/a", other)).toBe(other);
  });
});
