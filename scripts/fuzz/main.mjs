// `npm run fuzz -- SECONDS`: inputs that nobody would send on purpose, and some that somebody would. What goes wrong is
// written as a file that `--replay` runs again. CONTRIBUTING.md says what counts.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { targets } from "./targets.mjs";
import { watched } from "./watch.mjs";

const names = Object.keys(targets);
const usage = `npm run fuzz -- SECONDS [--target NAME]... [--seed NUMBER] [--inputs NUMBER] [--out FOLDER] [--json]
npm run fuzz -- --replay FILE [--json]
Targets: ${names.join(", ")}; all of them by default, one after the other, SECONDS in all.`;

const options = read();
const results = options.replay ? [await replayed(options.replay)] : await search();
const found = results.flatMap(({ findings }) => findings);
if (options.json) console.log(JSON.stringify({ seed: options.seed, results }));
else if (options.replay)
  console.log(found.length > 0 ? found[0].reason : "Nothing is wrong with this input any more.");
else console.log(found.length === 0 ? "Nothing found." : `${found.length} found.`);
process.exitCode = found.length > 0 ? 1 : 0;

function read() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        target: { type: "string", multiple: true, default: names },
        seed: { type: "string", default: String(Date.now() % 2 ** 31) },
        inputs: { type: "string", default: "1e15" },
        out: { type: "string", default: "runs/fuzz" },
        json: { type: "boolean", default: false },
        replay: { type: "string" },
      },
    });
    const seconds = Number(positionals[0] ?? (values.replay ? 1 : Number.NaN));
    const [seed, inputs] = [Number(values.seed), Number(values.inputs)];
    const unknown = values.target.filter((name) => !names.includes(name));
    if (!(seconds > 0))
      throw new Error(`SECONDS must be a number above 0; got ${positionals[0] ?? "nothing"}`);
    if (!Number.isInteger(seed) || !(inputs >= 1))
      throw new Error("--seed and --inputs must be whole numbers");
    if (unknown.length > 0)
      throw new Error(`--target must be one of ${names.join(", ")}; got ${unknown.join(", ")}`);
    return { ...values, seconds, seed, inputs };
  } catch (error) {
    console.error(`USAGE: ${error.message}\n${usage}`);
    process.exit(2);
  }
}

async function search() {
  const results = [];
  for (const target of options.target) {
    const seconds = options.seconds / options.target.length;
    const { inputs, findings } = await watched({
      target,
      seed: options.seed,
      seconds,
      inputs: options.inputs,
    });
    const kept = distinct(findings).map((finding) => ({ ...finding, file: written(target, finding) }));
    results.push({
      target,
      inputs,
      findings: kept.map(({ reason, file, times }) => ({ reason, file, times })),
    });
    if (options.json) continue;
    console.log(`${target}: ${inputs} inputs, ${kept.length} found (seed ${options.seed})`);
    for (const { reason, file, times } of kept)
      console.log(`  ${file} (${times} times): ${reason.split("\n").slice(0, 6).join("\n    ")}`);
  }
  return results;
}

/** One of those that went wrong in the same way: the shortest. */
function distinct(findings) {
  const kinds = new Map();
  for (const finding of findings) {
    const known = kinds.get(kindOf(finding));
    const isShorter = known === undefined || finding.bytes.length < known.bytes.length;
    kinds.set(kindOf(finding), { ...(isShorter ? finding : known), times: (known?.times ?? 0) + 1 });
  }
  return [...kinds.values()];
}

/** Where it was thrown; of a wrong answer what it says up to its values. */
function kindOf({ reason }) {
  if (reason.startsWith("Disagreement")) return reason.replaceAll(/[\d.]+/g, "").slice(0, 40);
  return /^ +at .*$/m.exec(reason)?.[0] ?? reason.replaceAll(/[\d.]+/g, "").slice(0, 60);
}

function written(target, { reason, bytes }) {
  mkdirSync(options.out, { recursive: true });
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  const file = join(options.out, `${target}-${hash}.json`);
  writeFileSync(file, `${JSON.stringify({ target, seed: options.seed, reason, bytes }, undefined, 1)}\n`);
  return file;
}

async function replayed(file) {
  const { target, bytes } = JSON.parse(readFileSync(file, "utf8"));
  const folder = mkdtempSync(join(tmpdir(), "sdfn-replay-"));
  try {
    const replay = join(folder, "bytes");
    writeFileSync(replay, Buffer.from(bytes, "base64"));
    const { findings } = await watched({ target, seed: 0, replay });
    return { target, inputs: 1, findings: findings.map(({ reason }) => ({ reason, file, times: 1 })) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
