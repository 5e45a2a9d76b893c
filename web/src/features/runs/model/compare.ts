/** Two runs step by step: which steps belong to each other, and where they part. Pure. */
import { targetName } from "@/features/approvals/model/show";
import type { Step } from "../api/runs";
import { decisionOf, outcomeOf } from "./step";

export interface Pair {
  a: Step | undefined;
  b: Step | undefined;
  /** What of the two is not the same. Empty if nothing is. */
  differs: ("step" | "input" | "decision" | "output")[];
}

/** The same tool on the same thing is the same step; the arguments may differ. */
const keyOf = (step: Step) => `${step.tool ?? ""} ${targetName(step.target)}`;

/** Aligns by the longest common subsequence of steps, as a diff does with lines. */
export function compareSteps(a: readonly Step[], b: readonly Step[]): Pair[] {
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => longest[i * width + j] ?? 0;
  const [keysA, keysB] = [a.map(keyOf), b.map(keyOf)];
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      longest[i * width + j] =
        keysA[i] === keysB[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const pairs: Pair[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const isSame = i < a.length && j < b.length && keysA[i] === keysB[j];
    if (isSame) pairs.push(pairOf(a[i++], b[j++]));
    else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1)))
      pairs.push(pairOf(a[i++], undefined));
    else pairs.push(pairOf(undefined, b[j++]));
  }
  return pairs;
}

function pairOf(a: Step | undefined, b: Step | undefined): Pair {
  if (!a || !b) return { a, b, differs: ["step"] };
  const differs: Pair["differs"] = [];
  if (!isSame(a.arguments, b.arguments)) differs.push("input");
  if (decisionOf(a.decision)?.verdict !== decisionOf(b.decision)?.verdict) differs.push("decision");
  if (a.state !== b.state || !isSame(outcome(a), outcome(b))) differs.push("output");
  return { a, b, differs };
}

/** What came of a step, without how long it took and which artifacts' ids it got. */
function outcome(step: Step): unknown {
  const it = outcomeOf(step.result);
  return it?.ok ? withoutVolatile(it.output) : it;
}

const VOLATILE = new Set(["cpu_ms", "memory_bytes_max", "duration_ms", "usage", "cost_usd_micros"]);

function withoutVolatile(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !VOLATILE.has(name)));
}

/** Whether two JSON values are the same, whatever the order of members. */
export function isSame(a: unknown, b: unknown): boolean {
  return sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_, it) =>
      typeof it === "object" && it !== null && !Array.isArray(it)
        ? Object.fromEntries(Object.entries(it).sort(([a], [b]) => (a < b ? -1 : 1)))
        : it,
    ) ?? ""
  );
}

/** The row of the first difference, from 0; -1 if there is none. */
export const partingOf = (pairs: readonly Pair[]) => pairs.findIndex((it) => it.differs.length > 0);
