// Targets that go wrong in every way that fuzzing looks for, each at its third input, which is "2".
import { ConfigError } from "../../dist/errors.js";

let count = 0;
const target = (check) => ({
  memoryMib: 100,
  async open() {
    return {
      make: () => Buffer.from(String(count++)),
      async check(bytes) {
        if (bytes.toString() !== "2") throw new ConfigError("refused as it should be");
        await check();
      },
      async close() {},
    };
  },
});

const spin = (seconds) => {
  const start = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(start);
    if (user + system > 1e6 * seconds) return;
  }
};
let kept;

export const targets = {
  throws: target(() => undefined.length),
  waits: target(() => new Promise(() => setInterval(() => undefined, 1000))),
  slow: target(() => spin(1.2)),
  ends: target(() => process.exit(3)),
  throwsLater: target(() => new Promise(() => setImmediate(() => undefined.length))),
  swells: target(() => {
    kept = Buffer.alloc(200 * 2 ** 20, 1);
    return kept.length;
  }),
};
