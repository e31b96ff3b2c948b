/** When a page was made, and on which machine. */
import { availableParallelism } from "node:os";
import type { Fact } from "./fact-list.js";

/** For the foot of a page. */
export function machineFacts(now = new Date()): readonly Fact[] {
  return [
    ["Made", now.toISOString().slice(0, 16).replace("T", " ")],
    [
      "Machine",
      `${process.platform} ${process.arch}, ${availableParallelism()} processors, Node.js ${process.versions.node}`,
    ],
  ];
}
