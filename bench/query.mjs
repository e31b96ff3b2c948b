// One query end to end over HTTP, ours and PyTorch with NumPy in turn: a JPEG decoded, embedded with a text, a catalogue searched.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../dist/engine/tensor/random.js";
import { projectCommit } from "../dist/runs/project-version.js";
import { quantile, startPeer } from "./peer.mjs";
import { drawIndex, drawText, searchOverHttp, startServing } from "./serving.mjs";

const answerCount = 50;
/** As the service takes them by itself. */
const threadCount = availableParallelism();
/** Queries of each before those that count. */
const warmup = 3;

/** @param {{folder?: string, embedDim: number, itemCount: number, steps: number, isJson: boolean}} options */
export async function benchQuery({ folder, embedDim, itemCount, steps, isJson }) {
  const root = mkdtempSync(join(tmpdir(), "query-"));
  const { indexFolder, pictures } = await drawIndex(root, { folder, embedDim, itemCount });
  const sizes = ["--dim", embedDim, "--items", itemCount, "--answers", answerCount, "--threads", threadCount];
  const peer = await startPeer("pytorch-query.py", sizes.map(String), threadCount);
  const service = await startServing(indexFolder, ["--log-level", "error"]);
  const random = new Random(4);
  const times = { ours: [], encode: [], search: [], peer: [] };
  let plan = "";
  for (let i = 0; i < steps + warmup; i += 1) {
    const picture = pictures[i % pictures.length];
    const { tokens, text } = drawText(random);
    const request = { queries: [{ reference: { upload: "picture" }, text }], limit: answerCount };
    const start = performance.now();
    const answer = await searchOverHttp(service.address, request, picture);
    const end = performance.now();
    if (answer.items.length !== answerCount) throw new Error(`${answer.items.length} answers`);
    const peerStart = performance.now();
    if (peer) await searchOverHttp(peer.ready.address, { tokens }, picture);
    const peerEnd = performance.now();
    if (i < warmup) continue;
    plan = answer.plan;
    times.ours.push(end - start);
    times.encode.push(answer.timesMs.encode);
    times.search.push(answer.timesMs.search);
    if (peer) times.peer.push(peerEnd - peerStart);
  }
  const peerSummary = await peer?.stop();
  await service.stop();
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
    plan,
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
  plan,
}) {
  const times = (one) =>
    `p50 ${one.p50Ms.toFixed(1)} ms, p95 ${one.p95Ms.toFixed(1)} ms, best ${one.bestMs.toFixed(1)} ms`;
  const what = `one picture and text, ResNet-50, 224 px, D ${embedDim}, ${items} items (${plan}), ${threads} threads`;
  const ours = `ours      ${times({ p50Ms, p95Ms, bestMs })} (embedding ${encode.p50Ms.toFixed(1)}, search ${search.p50Ms.toFixed(1)})`;
  if (!peer) return `${what}\n${ours}`;
  return `${what}\n${ours}\nPyTorch   ${times(peer)} (embedding ${peer.encodeP50Ms}, search ${peer.searchP50Ms})\nratio     ${ratio.toFixed(2)} (PyTorch's time over ours, median of all queries), of the best ${bestRatio.toFixed(2)}`;
}
