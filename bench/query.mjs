// One query end to end over HTTP, ours and PyTorch with NumPy in turn: a JPEG decoded, embedded with a text, a catalogue searched.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../dist/engine/tensor/random.js";
import { startPeer } from "./peer.mjs";
import { drawIndex, drawText, searchOverHttp, startServing } from "./serving.mjs";
import { countOption, itemsOption, pictureFolderOption, widthOption } from "./shared-options.mjs";
import { medianRatio, quantile } from "./statistics.mjs";

export const query = {
  summary: "one query over HTTP beside PyTorch",
  description: `One picture and one text sent over HTTP to \`sdfn serve\` (ResNet-50, 224 px, random weights): decoded, embedded and searched among
the items of an index, beside the same in PyTorch and NumPy behind Python's own HTTP server, query by query in turn.`,
  options: [
    itemsOption,
    widthOption,
    countOption("--queries <n>", "counted queries of each, after three that are not", 5),
    pictureFolderOption,
  ],
  examples: ["query --queries 60 --width 512", "query --items 1000 --queries 1"],
  run: runQuery,
};

const answerCount = 50;
/** As the service takes them by itself. */
const threadCount = availableParallelism();
/** Queries of each before those that count. */
const warmup = 3;

async function runQuery({ folder, width: embedDim, items: itemCount, queries }, say) {
  const root = mkdtempSync(join(tmpdir(), "query-"));
  try {
    const { indexFolder, pictures } = await drawIndex(root, { folder, embedDim, itemCount });
    const sizes = [
      "--dim",
      embedDim,
      "--items",
      itemCount,
      "--answers",
      answerCount,
      "--threads",
      threadCount,
    ];
    const peer = await startPeer("pytorch-query.py", sizes.map(String), threadCount);
    const service = await startServing(indexFolder, ["--log-level", "error"]);
    const { times, plan } = await askInTurn({ service, peer, pictures, queries, itemCount });
    const peerSummary = await peer?.stop();
    await service.stop();
    const result = {
      /** PyTorch's time over ours: the median of the query-by-query ratios. */
      ratio: medianRatio(times.ours, times.peer),
      /** The same of each side's fastest query, which other programs on the machine disturbed least. */
      bestRatio: peer ? Math.min(...times.peer) / Math.min(...times.ours) : null,
      ...summary(times.ours),
      encode: summary(times.encode),
      search: summary(times.search),
      peer: peer ? { ...summary(times.peer), ...peerSummary } : null,
      plan,
      threads: threadCount,
    };
    say(describe(result, { embedDim, itemCount }));
    return result;
  } finally {
    rmSync(root, { recursive: true });
  }
}

async function askInTurn({ service, peer, pictures, queries, itemCount }) {
  const random = new Random(4);
  const times = { ours: [], encode: [], search: [], peer: [] };
  const expected = Math.min(answerCount, itemCount);
  let plan = "";
  for (let i = 0; i < queries + warmup; i += 1) {
    const picture = pictures[i % pictures.length];
    const { tokens, text } = drawText(random);
    const request = { queries: [{ reference: { upload: "picture" }, text }], limit: answerCount };
    const start = performance.now();
    const answer = await searchOverHttp(service.address, request, picture);
    const end = performance.now();
    if (answer.items.length !== expected) throw new Error(`${answer.items.length} answers`);
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
  return { times, plan };
}

function summary(values) {
  return { p50Ms: quantile(values, 0.5), p95Ms: quantile(values, 0.95), bestMs: Math.min(...values) };
}

function describe({ peer, plan, threads, encode, search, ...ours }, { embedDim, itemCount }) {
  const times = ({ p50Ms, p95Ms, bestMs }) =>
    `p50 ${p50Ms.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, best ${bestMs.toFixed(1)} ms`;
  const lines = [
    `one picture and text, ResNet-50, 224 px, D ${embedDim}, ${itemCount} items (${plan}), ${threads} threads`,
    `ours      ${times(ours)} (embedding ${encode.p50Ms.toFixed(1)}, search ${search.p50Ms.toFixed(1)})`,
  ];
  if (peer) {
    lines.push(
      `PyTorch   ${times(peer)} (embedding ${peer.encodeP50Ms}, search ${peer.searchP50Ms})`,
      `ratio     ${ours.ratio.toFixed(2)} (PyTorch's time over ours, median of all queries), of the best ${ours.bestRatio.toFixed(2)}`,
    );
  }
  return lines.join("\n");
}
