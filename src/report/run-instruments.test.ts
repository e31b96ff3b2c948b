import { describe, expect, it } from "vitest";
import type { RouteTrial } from "../evaluation/instruments/route-trials.js";
import type { RunInstruments } from "../evaluation/instruments/run-instruments.js";
import { runInstruments } from "./run-instruments.js";

const modules = [
  { name: "JRM", meaning: "joint reasoning" },
  { name: "RCM", meaning: "keep" },
];
const trial = (name: string, difference: number): RouteTrial => ({
  name,
  r1: 1,
  r10: 30 + difference,
  r50: 70,
  difference,
  interval: { low: difference - 2, high: difference + 2 },
});
const gradients: RunInstruments["gradients"] = {
  batches: 8,
  parameters: { routers: 12_345, composition: 7 },
  losses: [
    {
      loss: "classification",
      value: 0.507,
      groups: { routers: { norm: 3, agreement: -0.0012 }, composition: { norm: 4, agreement: -0.25 } },
    },
    {
      loss: "distillation",
      value: 0,
      groups: { routers: { norm: 0, agreement: null }, composition: { norm: 0, agreement: null } },
    },
  ],
};

function pageOf({ oracle = 30, best = 0, other = -1, from = "held out" as const } = {}): string {
  return runInstruments(
    {
      gradients,
      queries: 256,
      from,
      routes: {
        kindsFrom: "words",
        information: {
          layers: [{ entropy: 0.73, aboutQuery: 0.03, aboutKind: 0.007, aboutKindByChance: 0.0005 }],
          kinds: [{ kind: "<long>", queries: 30, shifts: [0.031, -0.031] }],
        },
        trials: {
          candidates: 16,
          isExhaustive: true,
          trials: [
            trial("its own routes", 0),
            trial("another query's route", other),
            trial("path: best for all", best),
            trial("path: oracle", oracle),
            trial("path: random turns", 31),
            trial("path: others' moves", 20),
          ],
        },
      },
    },
    modules,
  ).markup;
}

describe("runInstruments", () => {
  it("says that nothing is beyond chance where an oracle gains no more than its controls", () => {
    const page = pageOf();
    expect(page).toContain(
      "on 256 triplets of train that were held out. Along another query&#39;s route it is no worse beyond chance",
    );
    expect(page).toContain("No choice for all queries");
    expect(page).toContain("the oracle gains no more than moves that know nothing of the query.");
    expect(page).toContain("all 16 paths of one module a layer");
    expect(page).toContain("path: oracle +30.0, path: random turns +31.0");
  });

  it("names what is beyond chance", () => {
    const page = pageOf({ oracle: 32, best: 3, other: -4 });
    expect(page).toContain("Along another query&#39;s route it is −4.0: routes are the query&#39;s own.");
    expect(page).toContain(
      "Beyond chance is “path: best for all” (+3.0); the oracle over path routes gains more",
    );
  });

  it("gives each loss's gradient its size, its share of the parts, and how far batches agree", () => {
    const page = pageOf();
    expect(page).toContain("<td>12,345</td>");
    expect(page).toContain(
      '<span>3</span><i style="--part: 36.0%"></i><small class="soft">36 % · agrees 0.00',
    );
    expect(page).toContain(
      '<span>4</span><i style="--part: 64.0%"></i><small class="soft">64 % · agrees −0.25',
    );
    expect(page).toContain('<span>0</span><i style="--part: 0.0%"></i><small class="soft">0 %</small>');
  });

  it("shows what routes follow: parts of the most, and shifts of weight by kind", () => {
    const page = pageOf();
    expect(page).toContain("<td>73.0 %</td><td>3.0 %</td><td>0.7 %</td><td>0.1 %</td>");
    expect(page).toContain('<th scope="row">&lt;long&gt;</th><td>30</td>');
    expect(page).toContain("<span>+3.1</span>");
    expect(page).toContain("<span>−3.1</span>");
    expect(page).toContain("frequent words of the text");
  });

  it("has the gradients alone for a model without routes", () => {
    const page = runInstruments({ gradients, queries: 5, from: "trained on", routes: undefined }, []).markup;
    expect(page).toContain("Which loss reaches which part?");
    expect(page).not.toMatch(/router gain|follow the query|NaN|undefined/);
  });
});
