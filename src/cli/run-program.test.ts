import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recordingContext } from "../../tests/cli/recording-context.js";
import { projectVersion } from "../runs/project-version.js";
import { runProgram } from "./run-program.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sdfn-run-program-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: string[]) {
  const context = recordingContext();
  const code = await runProgram(args, context);
  return { code, output: context.output(), errors: context.errors() };
}

describe("help and version", () => {
  it("lists every command and how to begin", async () => {
    const { code, output } = await run("--help");
    expect(code).toBe(0);
    for (const name of ["demo", "data", "train", "evaluate", "search"]) {
      expect(output).toMatch(new RegExp(`^  ${name} `, "m"));
    }
    expect(output).toContain("$ sdfn demo");
  });

  it.each(["demo", "data synthetic", "train", "evaluate", "search", "report", "compare", "ablate"])(
    "explains %s with its options and examples",
    async (command) => {
      const { code, output } = await run(...command.split(" "), "--help");
      expect(code).toBe(0);
      expect(output).toContain("--json");
      expect(output).toContain(`$ sdfn ${command}`);
    },
  );

  it("prints the package's version", async () => {
    expect(await run("--version")).toMatchObject({ code: 0, output: `${projectVersion()}\n` });
  });

  it("prints help as an error where a command is missing", async () => {
    expect(await run()).toMatchObject({ code: 2, errors: expect.stringContaining("Usage: sdfn") });
    expect(await run("data")).toMatchObject({ code: 2, errors: expect.stringContaining("synthetic") });
  });
});

describe("wrong command lines", () => {
  it("suggest what was meant", async () => {
    expect(await run("trian")).toMatchObject({
      code: 2,
      output: "",
      errors: "USAGE: unknown command 'trian' (Did you mean train?); see sdfn --help\n",
    });
    expect(await run("train", "--sed", "1")).toMatchObject({
      code: 2,
      errors: "USAGE: unknown option '--sed' (Did you mean one of --seed, --set?); see sdfn train --help\n",
    });
  });

  it("list every missing and wrong option at once", async () => {
    const { code, errors } = await run("search", "--data", "x", "-k", "0", "--split", "all");
    expect(code).toBe(2);
    expect(errors).toBe(
      "USAGE: sdfn search: the options cannot be used:\n" +
        "  - --run is missing\n  - --image is missing\n  - --text is missing\n" +
        "  - -k must be a whole number from 1 to 1000; got 0\n" +
        "  - --split must be one of train, val, test; got all\nsee sdfn search --help\n",
    );
  });

  it("give programs one line of JSON, even where the command line could not be read", async () => {
    const { code, output, errors } = await run("train", "--nothing", "--json");
    expect(code).toBe(2);
    expect(output.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(output)).toEqual({
      error: { code: "USAGE", message: "unknown option '--nothing'; see sdfn train --help" },
    });
    expect(errors).toContain("USAGE: unknown option");
  });

  it("take no --json from behind --", async () => {
    expect((await run("train", "--", "--json")).output).toBe("");
  });
});

describe("failures", () => {
  it("name code, reason and next step, and end with 1", async () => {
    const missing = join(folder, "no-such-run");
    expect(await run("evaluate", "--run", missing, "--data", folder)).toMatchObject({
      code: 1,
      output: "",
      errors: `RUN_INVALID: ${missing}: not a run folder, run.json is missing; train one with: sdfn train --out ${missing}\n`,
    });
    const { output } = await run("evaluate", "--run", missing, "--data", folder, "--json");
    expect(JSON.parse(output)).toMatchObject({ error: { code: "RUN_INVALID" } });
  });

  it("list everything wrong with a configuration", async () => {
    const file = join(folder, "config.json");
    writeFileSync(file, JSON.stringify({ epochs: 0, colour: "red" }));
    const out = join(folder, "run");
    const { code, errors } = await run(
      "train",
      "--data",
      folder,
      "--out",
      out,
      "--config",
      file,
      "--set",
      "heads=7",
    );
    expect(code).toBe(1);
    expect(errors).toMatch(/^CONFIG_INVALID: /);
    for (const field of ["epochs", "colour", "heads"]) expect(errors).toContain(field);
  });

  it("name a configuration file that is missing or not JSON", async () => {
    const train = ["train", "--data", folder, "--out", join(folder, "run"), "--config"];
    expect((await run(...train, join(folder, "none.json"))).errors).toMatch(
      /^CONFIG_INVALID: .*none\.json: there is no such file/,
    );
    const broken = join(folder, "broken.json");
    writeFileSync(broken, "{epochs: 3}");
    expect((await run(...train, broken)).errors).toMatch(/^CONFIG_INVALID: .*broken\.json: is not JSON/);
  });

  it("name a data folder that is missing", async () => {
    const data = join(folder, "nowhere");
    const { code, errors } = await run("train", "--data", data, "--out", join(folder, "run"));
    expect(code).toBe(1);
    expect(errors).toMatch(/^DATASET_INVALID: .*nowhere/);
  });

  it("keep the stack of a bug and ask for a report", async () => {
    const context = recordingContext();
    const broken = {
      ...context,
      stdout: Object.assign(Object.create(context.stdout), {
        write: () => {
          throw new TypeError("the stream is broken");
        },
      }),
    };
    expect(await runProgram(["--version"], broken)).toBe(1);
    expect(context.errors()).toMatch(/TypeError: the stream is broken\n +at /);
    expect(context.errors()).toContain(`INTERNAL: this is a bug in sdfn ${projectVersion()}`);
    expect(context.errors()).toContain("Please report it");
  });

  it("end with 130 when stopped", async () => {
    const abort = new AbortController();
    abort.abort();
    const context = recordingContext({ signal: abort.signal });
    expect(await runProgram(["evaluate", "--run", folder, "--data", folder], context)).toBe(130);
    expect(context.errors()).toBe("INTERRUPTED: stopped before the end\n");
  });
});
