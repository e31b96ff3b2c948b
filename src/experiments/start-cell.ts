/** Starts the process of one cell, listens to it, and says how it ended, however that was. */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { workerFile } from "../worker-thread.js";
import type { CellRequest, CellVerdict, FromCell, ToCell } from "./cell-messages.js";
import type { CellEvent } from "./run-cell.js";

export interface CellProcessOptions {
  /** What the process writes to its own streams. */
  readonly logFile: string;
  /** Aborted, the process is told to save the run and to stop. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: CellEvent) => void;
}

/** Runs a cell in a process of its own. Nothing is thrown: a process that dies is a failure with its reason. */
export async function startCell(
  request: CellRequest,
  { logFile, signal, onEvent }: CellProcessOptions,
): Promise<CellVerdict> {
  const log = openSync(logFile, "w");
  const child = fork(fileURLToPath(workerFile("experiments/cell-process.js")), {
    stdio: ["ignore", log, log, "ipc"],
    serialization: "advanced",
  });
  closeSync(log);
  const tell = (message: ToCell): void => {
    // One that has ended meanwhile says so by its exit.
    if (child.connected) child.send(message, () => undefined);
  };
  const stop = () => tell({ kind: "stop" });
  signal.addEventListener("abort", stop, { once: true });
  tell(request);
  if (signal.aborted) stop();
  try {
    return await verdictOf(child, { request, logFile, onEvent });
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function verdictOf(
  child: ChildProcess,
  { request, logFile, onEvent }: Pick<CellProcessOptions, "logFile" | "onEvent"> & { request: CellRequest },
): Promise<CellVerdict> {
  let verdict: CellVerdict | undefined;
  return new Promise((resolve) => {
    child.on("message", (message: FromCell) => {
      if (message.kind === "event") onEvent(message.event);
      else verdict = message;
    });
    const end = (how: string): void => {
      const said = readFileSync(logFile, "utf8").trim();
      if (said === "") rmSync(logFile, { force: true });
      resolve(verdict ?? { kind: "failed", failure: deathOf(request, how, { said, logFile }) });
    };
    child.on("error", (error) => end(`it could not be started or reached: ${error.message}`));
    // Also when all that it sent has been read.
    child.on("close", (code, killed) =>
      end(
        killed
          ? `process ${child.pid} was ended by ${killed}${hintOf(killed)}`
          : `process ${child.pid} ended with code ${code}`,
      ),
    );
  });
}

function hintOf(killed: NodeJS.Signals): string {
  return killed === "SIGKILL" ? ", as the system does when memory runs out" : "";
}

function deathOf(
  { task: { runDir } }: CellRequest,
  how: string,
  { said, logFile }: { readonly said: string; readonly logFile: string },
) {
  const lines =
    said === "" ? "" : `; the last that it wrote, in ${logFile}: ${said.split("\n").slice(-3).join(" / ")}`;
  return {
    code: "ENVIRONMENT",
    message:
      `${runDir}: the cell's process ended before the cell did: ${how}${lines}; the same command continues from its last ` +
      "checkpoint, with fewer --jobs if memory is short",
  };
}
