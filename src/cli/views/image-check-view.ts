/** Shows the progress of checking a data set's images: a bar, and lines on images that are left out. */
import type { ImageCheckListener } from "../../evaluation/run-embedder.js";
import type { CommandContext } from "../terminal/context.js";
import { type Progress, startProgress } from "../terminal/progress.js";

/** @param json a program reads along: nothing is shown. */
export function imageCheckView(
  { stderr }: Pick<CommandContext, "stderr">,
  json: boolean,
): ImageCheckListener {
  let bar: Progress | undefined;
  const end = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    progress(done, total) {
      bar ??= startProgress("checking", total, { stream: stderr, json, unit: "images" });
      bar.update(done);
    },
    note(text) {
      if (json) return;
      end();
      stderr.write(`${text}\n`);
    },
    end,
  };
}
