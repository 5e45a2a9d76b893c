import { Link } from "@tanstack/react-router";
import { Fragment, type ReactNode } from "react";
import { count, dollars } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { buttonClass } from "@/ui/Button";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import type { ReplayReport, ReplaySide, ReplayStep } from "../model/replay";
import { DivergenceLine, SidesHead, SidesRow, SideText } from "./SideBySide";
import { VerdictBadge } from "./StateBadge";

const s = t.runs.replayPage;

/** What a replay found: the two ways beside each other, and where they part. */
export function ReplayReportView({ report, changed }: { report: ReplayReport; changed: boolean }) {
  const at = report.divergence?.step;
  return (
    <div className="flex flex-col">
      <div className="p-4 md:p-6">
        <Verdict report={report} changed={changed} />
      </div>
      {report.models && <Models models={report.models} />}
      <SidesHead names={[s.before, s.now]} />
      <ol aria-label={s.title} className="flex flex-col">
        {report.steps.map((step) => (
          <Fragment key={step.step}>
            {step.step === at && <DivergenceLine name={s.firstDivergence} />}
            <StepRow step={step} isAfter={at !== undefined && step.step > at} />
          </Fragment>
        ))}
        {report.end && (
          <SidesRow
            head={<span className="font-medium">{s.ended}</span>}
            differs={report.end.recorded !== report.end.replayed}
            sides={[
              <SideText key="a" text={report.end.recorded} label={s.before} />,
              <SideText key="b" text={report.end.replayed} label={s.now} />,
            ]}
          />
        )}
      </ol>
      <Digests report={report} />
    </div>
  );
}

function Verdict({ report, changed }: { report: ReplayReport; changed: boolean }) {
  const { divergence } = report;
  if (report.isIdentical) {
    return (
      <Notice tone="ok" title={changed ? s.sameWay : s.identical}>
        <p>{changed ? s.sameWayDetail : s.identicalDetail(report.compared, report.entries)}</p>
      </Notice>
    );
  }
  const place =
    divergence?.step === undefined ? s.atEntry(divergence?.entry ?? 0) : s.atStep(divergence.step);
  return (
    <div className="flex flex-col gap-4">
      <Notice tone="warn" title={s.diverged(place)}>
        <p>{s.divergedDetail}</p>
      </Notice>
      {divergence && divergence.differences.length > 0 && (
        <div className="flex flex-col gap-2">
          <h2 className="text-xs font-medium text-muted">{s.differs}</h2>
          <dl className="grid grid-cols-1 overflow-hidden rounded-md border text-sm sm:grid-cols-[minmax(6rem,auto)_1fr_1fr]">
            {divergence.differences.map(([name, then, now]) => (
              <Fragment key={name}>
                <dt className="border-b bg-sunken px-3 py-1.5 font-mono text-xs">{name}</dt>
                <dd className="border-b bg-bad-soft px-3 py-1.5">
                  <span className="sr-only">{s.before}: </span>
                  <span className="whitespace-pre-wrap">{then || s.nothing}</span>
                </dd>
                <dd className="border-b bg-ok-soft px-3 py-1.5">
                  <span className="sr-only">{s.now}: </span>
                  <span className="whitespace-pre-wrap">{now || s.nothing}</span>
                </dd>
              </Fragment>
            ))}
          </dl>
        </div>
      )}
      {report.replayRun && (
        <Link
          to="/runs/$runId"
          params={{ runId: report.replayRun }}
          className={`self-start ${buttonClass({ size: "sm" })}`}
        >
          {s.openReplay}
        </Link>
      )}
    </div>
  );
}

function StepRow({ step, isAfter }: { step: ReplayStep; isAfter: boolean }) {
  return (
    <SidesRow
      differs={!step.isSame}
      isAfter={isAfter}
      head={
        <>
          <span className="w-6 shrink-0 text-right text-xs text-muted tabular-nums">{step.step}</span>
          <code className="min-w-0 truncate font-mono text-xs font-medium">{step.tool}</code>
          <Badge tone={step.outcome === "missing" ? "bad" : "plain"}>
            {s.outcomes[step.outcome] ?? step.outcome}
          </Badge>
        </>
      }
      sides={[
        <Side key="a" side={step.recorded} label={s.before} />,
        <Side key="b" side={step.replayed} label={s.now} reason={step.isSame ? undefined : step.reason} />,
      ]}
    />
  );
}

function Side({
  side,
  label,
  reason,
}: {
  side: ReplaySide;
  label: string;
  reason?: string | undefined;
}): ReactNode {
  if (side.text !== undefined) return <SideText text={side.text} label={label} />;
  if (side.verdict === undefined) return <span className="text-muted">{s.nothing}</span>;
  return (
    <span className="flex flex-col items-start gap-1">
      <VerdictBadge verdict={side.verdict} />
      {reason && (
        <span className="text-xs">
          <Said text={reason} />
        </span>
      )}
    </span>
  );
}

function Models({ models }: { models: NonNullable<ReplayReport["models"]> }) {
  const side = (it: typeof models.recorded) => (
    <span className="text-sm tabular-nums">
      <span className="font-medium">{dollars(it.micros)}</span>
      <span className="text-muted">
        {" "}
        · {s.questions(it.questions)} · {t.runs.step.inOut(count(it.input), count(it.output))}
      </span>
      <span className="block truncate text-xs text-muted">{it.served.join(", ")}</span>
    </span>
  );
  return (
    <section aria-label={s.spent} className="grid grid-cols-2 border-t">
      <div className="min-w-0 px-4 py-3 md:px-6">{side(models.recorded)}</div>
      <div className="min-w-0 border-l px-4 py-3">{side(models.replayed)}</div>
    </section>
  );
}

function Digests({ report }: { report: ReplayReport }) {
  if (!report.digests) return null;
  const [recorded, replayed] = report.digests;
  return (
    <dl className="flex flex-col gap-2 p-4 text-xs text-muted md:p-6">
      <dt className="font-medium">{s.digests}</dt>
      <dd>
        {s.before}: <code className="font-mono break-all">{recorded}</code>
      </dd>
      <dd>
        {s.now}: <code className="font-mono break-all">{replayed}</code>
      </dd>
      {report.effects !== undefined && <dd>{s.effects(report.effects)}</dd>}
    </dl>
  );
}
