/** Makes an index of pictures that the demo's model was not trained on, and serves it for users to try. */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import { catalogueCsv } from "../../data/synthetic/layout.js";
import type { CataloguePlan } from "../../data/synthetic/plan.js";
import { EnvironmentError } from "../../errors.js";
import { isErrno } from "../../files/errno.js";
import { type Service, startService } from "../../service/start-service.js";
import { indexWithModel } from "../encoders/index-with-model.js";
import { type CommandContext, ExitCode, exitCodes } from "../terminal/context.js";
import type { DemoFolder } from "./demo-folder.js";

/**
 * Indexes the pictures of the split val with a trained run.
 * @returns how many there are.
 */
export async function indexDemo(
  {
    folder,
    run,
    items: drawn,
    json,
  }: {
    readonly folder: DemoFolder;
    readonly run: string;
    readonly items: CataloguePlan["items"];
    readonly json: boolean;
  },
  context: CommandContext,
): Promise<number> {
  const items = drawn.filter(({ split }) => split === "val");
  const directory = `${relative(dirname(folder.table), folder.catalogue)}/`;
  writeFileSync(folder.table, catalogueCsv(items, { directory }));
  const { added } = await indexWithModel(
    { model: { run }, out: folder.index, file: folder.table, total: items.length, json },
    context,
  );
  return added;
}

/** Answers over HTTP until it is told to stop; at another port where `port` is taken. @throws ExitCode 0 at the end. */
export async function serveDemo(
  { index, port }: { readonly index: string; readonly port: number },
  { stdout, stderr, signal }: CommandContext,
): Promise<never> {
  const start = (at: number) => startService({ index, port: at, logLevel: "warn", logStream: stderr });
  const service: Service = await start(port).catch((error: unknown) => {
    if (isTaken(error)) return start(0);
    throw error;
  });
  try {
    stdout.write(`Search the catalogue in a browser (Ctrl-C stops it):\n  ${service.address}\n`);
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    await service.close();
  }
  // Whoever stops it has seen all that there is.
  throw new ExitCode(exitCodes.done);
}

function isTaken(error: unknown): boolean {
  return error instanceof EnvironmentError && isErrno(error.cause, "EADDRINUSE");
}
