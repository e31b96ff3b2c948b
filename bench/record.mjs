// A result with all that is needed to read it later: machine, versions, commit, date and options.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { dirname } from "node:path";
import { projectCommit } from "../dist/runs/project-version.js";

/**
 * @param {string} benchmark its name
 * @param {object} options what it was run with
 * @param {object} result what it measured; `peer.torch` is the version of PyTorch where it was measured too
 */
export function recordOf(benchmark, options, result) {
  return {
    benchmark,
    options,
    date: new Date().toISOString(),
    commit: projectCommit(),
    machine: {
      processor: cpus()[0]?.model ?? "unknown",
      processors: availableParallelism(),
      memoryBytes: totalmem(),
      system: `${process.platform} ${process.arch}`,
      /** Of the last minute: what else the machine did. */
      load: loadavg()[0],
    },
    versions: {
      node: process.versions.node,
      "onnxruntime-node": onnxRuntimeVersion(),
      ...peerVersions(result),
    },
    result,
  };
}

/** Before anything is measured: the file can be written. @param {string} file */
export function prepareRecordFile(file) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "", { flag: "a" });
}

/** @param {string} file @param {object} record */
export function writeRecord(file, record) {
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`);
}

function peerVersions({ peer }) {
  return peer?.torch === undefined ? {} : { torch: peer.torch };
}

function onnxRuntimeVersion() {
  const file = new URL("../node_modules/onnxruntime-node/package.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).version;
}
