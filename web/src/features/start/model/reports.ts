/** Reads the reports of verifying and replaying, which the API describes as objects. */

type Facts = Record<string, unknown>;
const facts = (value: unknown): Facts =>
  typeof value === "object" && value !== null ? (value as Facts) : {};
const text = (value: unknown) => (typeof value === "string" ? value : undefined);
const number = (value: unknown) => (typeof value === "number" ? value : undefined);

export function verification(report: unknown) {
  const { ok, events, checkpoint } = facts(report);
  return { isGood: ok === true, events: number(events) ?? 0, root: text(facts(checkpoint).root) };
}

export function replayed(report: unknown) {
  const { identical, compared, first_divergence, steps } = facts(report);
  if (identical === true) return { isIdentical: true as const, compared: number(compared) ?? 0 };
  const divergence = facts(first_divergence);
  const at = number(divergence.step) ?? 0;
  const step = facts(Array.isArray(steps) ? steps.find((it) => facts(it).step === at) : undefined);
  return {
    isIdentical: false as const,
    step: at,
    tool: text(step.tool) ?? text(divergence.kind) ?? "",
    recorded: text(step.recorded) ?? text(facts(divergence.recorded).verdict) ?? "",
    replayed: text(step.replayed) ?? text(facts(divergence.replayed).verdict) ?? "",
    reason: text(step.reason) ?? "",
  };
}
