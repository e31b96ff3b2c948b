// One query end to end, ours and PyTorch's, in turn: decode a JPEG, embed it with a text, search a catalogue exactly.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { exportBundle } from "../dist/exporter/export-bundle.js";
import { Input } from "../dist/graph/value.js";
import { matmul } from "../dist/ops/matmul.js";
import { openBundle } from "../dist/retrieval/open-bundle.js";
import { GraphSession } from "../dist/runtime/session.js";
import { Random } from "../dist/tensor/random.js";
import { projectCommit } from "../dist/training/project-version.js";
import { quantile, startPeer } from "./peer.mjs";
import { randomRun, vocabularySize, wordOf } from "./random-run.mjs";

const answerCount = 50;
/** Pictures that queries take in turn, and the size of drawn ones. */
const [pictureCount, drawnPx] = [8, { width: 480, height: 640 }];
/** Queries of each before those that count. */
const warmup = 3;
/** Words of a text. */
const wordCount = 7;

/** @param {{folder?: string, embedDim: number, itemCount: number, steps: number, threadCount: number, isJson: boolean}} options */
export async function benchQuery({ folder, embedDim, itemCount, steps, threadCount, isJson }) {
  const root = mkdtempSync(join(tmpdir(), "query-"));
  const pictures = folder === undefined ? await drawPictures(root) : picturesIn(folder);
  const dir = join(root, "bundle");
  exportBundle(randomRun(embedDim), dir);
  const sizes = ["--dim", embedDim, "--items", itemCount, "--answers", answerCount, "--threads", threadCount];
  const peer = await startPeer("pytorch-query.py", sizes.map(String), threadCount);
  const encoder = await openBundle(dir, { threadCount });
  const search = await startSearch(itemCount, embedDim, threadCount);
  const random = new Random(4);
  const times = { ours: [], encode: [], search: [], peer: [] };
  for (let i = 0; i < steps + warmup; i += 1) {
    const picture = pictures[i % pictures.length];
    const tokens = Array.from({ length: wordCount }, () => 2 + random.integer(vocabularySize - 2));
    const start = performance.now();
    const [query] = await encoder.embedQueries([{ picture, text: tokens.map(wordOf).join(" ") }]);
    const encoded = performance.now();
    const hits = await search(query.embedding);
    const end = performance.now();
    if (hits.length !== answerCount) throw new Error(`${hits.length} answers`);
    const peerSeconds = await peer?.run(JSON.stringify({ picture, tokens }));
    if (i < warmup) continue;
    times.ours.push(end - start);
    times.encode.push(encoded - start);
    times.search.push(end - encoded);
    if (peer) times.peer.push(1000 * peerSeconds);
  }
  const peerSummary = await peer?.stop();
  await encoder.close();
  rmSync(root, { recursive: true });
  const summary = (values) => ({
    p50Ms: quantile(values, 0.5),
    p95Ms: quantile(values, 0.95),
    bestMs: Math.min(...values),
  });
  const result = {
    /** PyTorch's time over ours: the median of the query-by-query ratios. */
    ratio: peer
      ? quantile(
          times.ours.map((time, i) => times.peer[i] / time),
          0.5,
        )
      : null,
    /** The same of each side's fastest query, which other programs on the machine disturbed least. */
    bestRatio: peer ? Math.min(...times.peer) / Math.min(...times.ours) : null,
    ...summary(times.ours),
    encode: summary(times.encode),
    search: summary(times.search),
    peer: peer ? { ...summary(times.peer), ...peerSummary } : null,
    embedDim,
    items: itemCount,
    threads: threadCount,
    queries: steps,
    commit: projectCommit(),
    node: process.versions.node,
  };
  if (!isJson) console.log(describe(result));
  console.log(JSON.stringify(result));
}

/** Scores of all items as one matrix product; the best ones in order. */
async function startSearch(itemCount, embedDim, threadCount) {
  const scores = matmul(
    new Input("items", "float32", ["batch", embedDim]),
    new Input("query", "float32", [embedDim, 1]),
  );
  const session = await GraphSession.compile({ scores }, { threadCount });
  const items = { dtype: "float32", shape: [itemCount, embedDim], data: unitRows(itemCount, embedDim) };
  return async (query) => {
    const results = await session.run({
      items,
      query: { dtype: "float32", shape: [embedDim, 1], data: query },
    });
    return best(results.scores.data, answerCount);
  };
}

/** The `k` highest scores: a sorted list of the best so far, which few scores enter. */
function best(scores, k) {
  const rows = [];
  let least = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < scores.length; row += 1) {
    const score = scores[row];
    if (rows.length === k && score <= least) continue;
    let place = rows.length;
    while (place > 0 && scores[rows[place - 1]] < score) place -= 1;
    rows.splice(place, 0, row);
    if (rows.length > k) rows.pop();
    least = scores[rows.at(-1)];
  }
  return rows;
}

function unitRows(count, width) {
  const rows = new Float32Array(count * width);
  let state = 1;
  for (let row = 0; row < count; row += 1) {
    let sum = 0;
    for (let d = 0; d < width; d += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      const value = state / 2 ** 31;
      rows[row * width + d] = value;
      sum += value * value;
    }
    const scale = 1 / Math.sqrt(sum);
    for (let d = 0; d < width; d += 1) rows[row * width + d] *= scale;
  }
  return rows;
}

async function drawPictures(root) {
  const files = [];
  for (let i = 0; i < pictureCount; i += 1) {
    const file = join(root, `${i}.jpg`);
    const noise = { type: "gaussian", mean: 90 + 10 * i, sigma: 40 };
    await sharp({ create: { ...drawnPx, channels: 3, background: "white", noise } })
      .blur(2)
      .jpeg({ quality: 85 })
      .toFile(file);
    files.push(file);
  }
  return files;
}

function picturesIn(folder) {
  const names = readdirSync(folder).filter((name) => /\.jpe?g$/i.test(name));
  if (names.length === 0) throw new Error(`${folder}: holds no JPEG files`);
  return names.slice(0, pictureCount).map((name) => join(folder, name));
}

function describe({
  ratio,
  bestRatio,
  p50Ms,
  p95Ms,
  bestMs,
  encode,
  search,
  peer,
  embedDim,
  items,
  threads,
}) {
  const times = (one) =>
    `p50 ${one.p50Ms.toFixed(1)} ms, p95 ${one.p95Ms.toFixed(1)} ms, best ${one.bestMs.toFixed(1)} ms`;
  const what = `one picture and text, ResNet-50, 224 px, D ${embedDim}, ${items} items, exact search, ${threads} threads`;
  const ours = `ours     ${times({ p50Ms, p95Ms, bestMs })} (embedding ${encode.p50Ms.toFixed(1)}, search ${search.p50Ms.toFixed(1)})`;
  if (!peer) return `${what}\n${ours}`;
  return `${what}\n${ours}\nPyTorch  ${times(peer)} (embedding ${peer.encodeP50Ms}, search ${peer.searchP50Ms})\nratio    ${ratio.toFixed(2)} (PyTorch's time over ours, median of all queries), of the best ${bestRatio.toFixed(2)}`;
}
