/** Errors of the system: is it one, with which code, and what to tell of a disk that refuses. */
import { EnvironmentError, SdfnError } from "../errors.js";

/** An error of a system call that failed. */
export type SystemError = NodeJS.ErrnoException & { readonly code: string };

/** The text `code` of an error of the system, of Node.js or of a library; undefined for any other, the project's own too. */
export function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause instanceof SdfnError || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}

/** Is it the error of a system call? @param codes one of which it must have; by default any. */
export function isErrno(cause: unknown, ...codes: readonly string[]): cause is SystemError {
  const code = codeOf(cause);
  if (code === undefined || !(cause instanceof Error)) return false;
  return codes.length > 0 ? codes.includes(code) : "syscall" in cause;
}

/** What to tell of a system call on `file` that failed; anything else as it is. */
export function diskError(file: string, cause: unknown): unknown {
  if (!isErrno(cause)) return cause;
  const { code, message } = cause;
  return new EnvironmentError(
    isErrno(cause, "ENOSPC", "EDQUOT")
      ? `${file}: the disk is full; got ${code}; make room`
      : `${file}: cannot be written; got ${message}; check the folder and its permissions`,
    { cause },
  );
}
