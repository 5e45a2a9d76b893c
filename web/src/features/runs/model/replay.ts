/** The reports of replays, of both kinds, as one thing to show. What isn't as expected is left out. */
import { fields } from "@/lib/fields";
import { pretty } from "@/lib/format";

export interface ReplaySide {
  /** A decision's verdict, where the replay is about decisions. */
  verdict: string | undefined;
  /** What was said or asked for, where a model was asked anew. */
  text: string | undefined;
}

export interface ReplayStep {
  step: number;
  tool: string;
  isSame: boolean;
  outcome: string;
  reason: string | undefined;
  recorded: ReplaySide;
  replayed: ReplaySide;
}

export interface Spent {
  questions: number;
  input: number;
  output: number;
  micros: number;
  served: string[];
}

export interface ReplayReport {
  isIdentical: boolean;
  entries: number;
  compared: number;
  digests: [string, string] | undefined;
  effects: number | undefined;
  divergence:
    | { entry: number; step: number | undefined; differences: [name: string, then: string, now: string][] }
    | undefined;
  steps: ReplayStep[];
  /** Only where a model was asked anew. */
  models: { recorded: Spent; replayed: Spent } | undefined;
  end: { recorded: string; replayed: string } | undefined;
  replayRun: string | undefined;
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);
const list = (value: unknown) => (Array.isArray(value) ? value : []);

export function reportOf(value: unknown): ReplayReport {
  const it = fields(value);
  const digests = [text(it.recorded_digest), text(it.replayed_digest)];
  const models = fields(it.models);
  const end = fields(it.end);
  return {
    isIdentical: it.identical === true,
    entries: number(it.entries) ?? 0,
    compared: number(it.compared) ?? 0,
    digests: digests[0] && digests[1] ? [digests[0], digests[1]] : undefined,
    effects: number(it.outside_effects),
    divergence: it.first_divergence ? divergenceOf(fields(it.first_divergence)) : undefined,
    steps: list(it.steps).map((step) => stepOf(fields(step))),
    models: it.models
      ? { recorded: spentOf(models.recorded), replayed: spentOf(models.replayed) }
      : undefined,
    end: it.end ? { recorded: endOf(end.recorded), replayed: endOf(end.replayed) } : undefined,
    replayRun: text(it.replay_run_id),
  };
}

function divergenceOf(it: Record<string, unknown>): ReplayReport["divergence"] {
  return {
    entry: number(it.run_seq) ?? 0,
    step: number(it.step),
    differences: differences(it.recorded, it.replayed),
  };
}

/** The members that differ. The revision always does when policies do; it explains nothing. */
export function differences(then: unknown, now: unknown): [string, string, string][] {
  const [a, b] = [fields(then), fields(now)];
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
    .filter((name) => name !== "revision")
    .sort();
  return names
    .filter((name) => pretty(a[name]) !== pretty(b[name]))
    .map((name) => [name, pretty(a[name]), pretty(b[name])]);
}

function stepOf(it: Record<string, unknown>): ReplayStep {
  const isAnew = typeof it.same === "boolean";
  const side = (value: unknown): ReplaySide =>
    isAnew ? { verdict: undefined, text: said(value) } : { verdict: text(value), text: undefined };
  return {
    step: number(it.step) ?? 0,
    tool: text(it.tool) ?? "",
    isSame: isAnew ? it.same === true : it.recorded === it.replayed,
    outcome: text(it.outcome) ?? "",
    reason: text(it.reason),
    recorded: side(it.recorded),
    replayed: side(it.replayed),
  };
}

function said(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const it = fields(value);
  if (text(it.error)) return text(it.error);
  const words = fields(it.said);
  if (it.said) {
    const calls = list(words.calls).map((call) => `${list(call)[0]} ${JSON.stringify(list(call)[1])}`);
    return [text(words.text) ?? "", ...calls].filter(Boolean).join("\n");
  }
  return `${text(it.tool) ?? ""} ${it.arguments === undefined ? "" : JSON.stringify(it.arguments, null, 2)}`.trim();
}

function endOf(value: unknown): string {
  const it = fields(value);
  const code = text(it.code);
  const more = code ? `${code}: ${text(it.message) ?? ""}` : pretty(it.answer ?? "");
  return [text(it.state), more].filter(Boolean).join("\n");
}

function spentOf(value: unknown): Spent {
  const it = fields(value);
  return {
    questions: number(it.questions) ?? 0,
    input: number(it.input_tokens) ?? 0,
    output: number(it.output_tokens) ?? 0,
    micros: number(it.cost_usd_micros) ?? 0,
    served: list(it.served).filter((name) => typeof name === "string"),
  };
}
