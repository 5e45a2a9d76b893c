/** What there is to say of a step, in parts: for the panel of a run, and for the cards in chats. */
import { Link } from "@tanstack/react-router";
import { Exactly } from "@/features/approvals/ui/Exactly";
import { fields } from "@/lib/fields";
import { count, dollars, duration, pretty } from "@/lib/format";
import { t } from "@/strings";
import { Code } from "@/ui/Code";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { Section } from "@/ui/Section";
import type { Step } from "../api/runs";
import { decisionOf, outcomeOf, stateOf, usageOf } from "../model/step";
import { VerdictBadge } from "./StateBadge";

const s = t.runs.step;
const text = (value: unknown) => (typeof value === "string" ? value : undefined);

export function DecisionSection({ value }: { value: unknown }) {
  const decision = decisionOf(value);
  if (!decision) return null;
  return (
    <Section title={s.decision} aside={<VerdictBadge verdict={decision.verdict} />}>
      {decision.reason && (
        <p className="text-sm">
          <Said text={decision.reason} />
        </p>
      )}
      <p className="text-xs text-muted">
        {decision.rules.length === 0 ? (
          s.noRule
        ) : (
          <>
            {s.rules}{" "}
            {decision.rules.map((rule, at) => (
              <span key={rule}>
                {at > 0 && ", "}
                <code className="font-mono text-text">{rule}</code>
              </span>
            ))}
          </>
        )}
        {decision.risk !== undefined && <> · {s.risk(decision.risk)}</>}
      </p>
      {decision.fix && (
        <div className="flex flex-col gap-1.5">
          <p className="text-xs text-muted">{s.fix}</p>
          <Code text={decision.fix} label={s.fix} />
        </div>
      )}
    </Section>
  );
}

export function InputSection({ step }: { step: Step }) {
  if (!step.tool) return null;
  const { arguments: input } = step;
  const isEmpty = input === null || input === undefined || Object.keys(fields(input)).length === 0;
  return (
    <Section title={s.input}>
      {isEmpty ? (
        <p className="text-sm text-muted">{s.noInput}</p>
      ) : (
        <Exactly tool={step.tool} args={input} />
      )}
    </Section>
  );
}

export function OutputSection({ step }: { step: Step }) {
  const outcome = outcomeOf(step.result);
  const usage = usageOf(step);
  const isAbsent = stateOf(step) === "absent";
  // A step that was denied has come to its end without any.
  if (!outcome && step.ended_at && !step.child_run_id) return null;
  const masked = Object.entries(fields(step.masked));
  return (
    <Section
      title={s.output}
      aside={
        outcome?.ok && <span className="text-xs text-muted tabular-nums">{duration(outcome.durationMs)}</span>
      }
    >
      {usage && (
        <p className="text-sm text-muted">
          {usage.served} · {s.inOut(count(usage.input), count(usage.output))} ·{" "}
          {usage.micros === undefined ? t.runs.run.unpriced : dollars(usage.micros)}
        </p>
      )}
      {masked.length > 0 && (
        <p className="text-sm">
          {s.masked}: {masked.map(([kind, many]) => `${kind} ×${String(many)}`).join(", ")}
        </p>
      )}
      {!outcome && !step.ended_at && <p className="text-sm text-muted">{s.noOutput}</p>}
      {outcome?.ok && <Code text={outputText(outcome.output)} label={s.output} />}
      {outcome?.ok && outcome.truncated && <p className="text-xs text-muted">{s.truncated}</p>}
      {isAbsent && <p className="text-sm text-muted">{s.noGuide}</p>}
      {outcome && !outcome.ok && !isAbsent && (
        <Notice tone="bad" title={outcome.code}>
          <p>
            <Said text={outcome.message} />
          </p>
          {outcome.fix && (
            <p>
              {s.fix}: <Said text={outcome.fix} />
            </p>
          )}
        </Notice>
      )}
      {step.child_run_id && (
        <Link
          to="/runs/$runId"
          params={{ runId: step.child_run_id }}
          className="text-sm font-medium text-accent-text underline-offset-2 hover:underline"
        >
          {s.child}
        </Link>
      )}
    </Section>
  );
}

/** Text of a model first, as what people look for; everything else as it is. */
function outputText(output: unknown): string {
  const { parts } = fields(output);
  if (!Array.isArray(parts)) return pretty(output);
  const texts = parts.map((part) => text(fields(part).text) ?? pretty(part));
  return texts.join("\n\n");
}
