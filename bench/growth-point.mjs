// One point of `bench -- growth`. Prints one JSON line: times and memory, or that it would not fit.
import { peakMemoryBytes } from "../dist/training/memory-estimate.js";
import { startOwnStep } from "./own-step.mjs";
import { peakBytes } from "./points.mjs";
import { median } from "./statistics.mjs";

const { steps, availableBytes, ...options } = JSON.parse(process.argv[2] ?? "{}");
let estimateBytes = 0;
class TooLarge extends Error {}
try {
  const step = await startOwnStep({
    ...options,
    beforeCompile(graph) {
      estimateBytes = peakMemoryBytes({
        graph,
        modelBytes: 0,
        hasTeacher: false,
        hasAverage: false,
        imageBytes: 0,
      });
      if (estimateBytes > availableBytes) throw new TooLarge();
    },
  });
  const measured = [];
  for (let i = 0; i <= steps; i += 1) {
    const before = process.cpuUsage();
    const seconds = await step.run();
    const { user, system } = process.cpuUsage(before);
    measured.push({ seconds, cpuSeconds: (user + system) / 1e6 });
  }
  const counted = measured.slice(1); // the first allocates
  console.log(
    JSON.stringify({
      seconds: median(counted.map(({ seconds }) => seconds)),
      cpuSeconds: median(counted.map(({ cpuSeconds }) => cpuSeconds)),
      peakBytes: peakBytes(),
      estimateBytes,
    }),
  );
} catch (error) {
  if (!(error instanceof TooLarge)) throw error;
  console.log(JSON.stringify({ skipped: true, estimateBytes, availableBytes }));
}
