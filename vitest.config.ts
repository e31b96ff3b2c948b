import { defineConfig } from "vitest/config";

// Forks, not threads: native add-ons (onnxruntime-node, sharp) are one per process; two cores, two forks. The forks go from
// file to file (isolate: false), so that each loads the project once: a fifth to two fifths of the processor time less.
const shared = {
  pool: "forks",
  maxWorkers: 2,
  testTimeout: 120_000,
  hookTimeout: 120_000,
  env: { SDFN_IMAGE_CACHE: "off" },
} as const;

export default defineConfig({
  test: {
    ...shared,
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          isolate: false,
          include: ["src/**/*.test.ts", "web/src/**/*.test.ts", "tests/architecture/**/*.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "slow",
          isolate: false,
          include: ["tests/**/*.test.ts"],
          exclude: ["tests/architecture/**", "tests/web/**"],
        },
      },
      {
        test: {
          ...shared,
          name: "web",
          include: ["tests/web/**/*.test.ts"],
          // One browser and one shop for all files.
          globalSetup: "tests/web/global-setup.ts",
        },
      },
    ],
  },
});
