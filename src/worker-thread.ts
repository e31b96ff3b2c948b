/** What threads of the project share: where their compiled files lie, and how a failure crosses to the caller. */
import { existsSync } from "node:fs";

/** A compiled worker by its path below the sources: beside the caller's, or in dist/ for tests, which run the sources. */
export function workerFile(path: string): URL {
  const beside = new URL(`./${path}`, import.meta.url);
  return existsSync(beside) ? beside : new URL(`../dist/${path}`, import.meta.url);
}

/** An error as a message to another thread. */
export interface WorkerFailure {
  /** Can a user fix it? Then the class is known by the caller; else it is a bug, and the message has its stack. */
  readonly isUsers: boolean;
  readonly message: string;
}

/** @param UsersError the class of errors that a user can fix. */
export function workerFailure(error: unknown, UsersError: new (message: string) => Error): WorkerFailure {
  if (error instanceof UsersError) return { isUsers: true, message: error.message };
  return { isUsers: false, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** The error of a failure, on the caller's thread. */
export function errorOf(
  { isUsers, message }: WorkerFailure,
  UsersError: new (message: string) => Error,
): Error {
  return isUsers ? new UsersError(message) : new Error(message);
}
