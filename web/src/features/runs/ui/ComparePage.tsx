import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowLeftRight, GitCompareArrows } from "lucide-react";
import { Fragment } from "react";
import { targetName } from "@/features/approvals/model/show";
import { useDirectory } from "@/features/directory/api/directory";
import { duration, pretty, shortId } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Run, runQuery, runsQuery, type Step, stepsQuery } from "../api/runs";
import { useRunTitles } from "../api/titles";
import { compareSteps, type Pair, partingOf } from "../model/compare";
import { tookMs } from "../model/run";
import { decisionOf, durationOf, outcomeOf, stateOf } from "../model/step";
import { BackTo } from "./RunHeader";
import { DivergenceLine, SidesHead, SidesRow, SideText } from "./SideBySide";
import { StateBadge, StepSign, VerdictBadge } from "./StateBadge";

const s = t.runs.comparePage;

export function ComparePage() {
  const { a, b } = useSearch({ from: "/signed-in/shell/runs/compare" });
  const navigate = useNavigate();
  const go = (next: { a?: string | undefined; b?: string | undefined }) =>
    void navigate({
      to: "/runs/compare",
      search: { ...(next.a ? { a: next.a } : {}), ...(next.b ? { b: next.b } : {}) },
      replace: true,
    });
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        above={<BackTo to="/runs" name={t.runs.run.back} />}
        title={s.title}
        detail={s.chooseDetail}
      >
        <div className="flex flex-wrap items-end gap-2 sm:flex-nowrap">
          <RunPicker label={s.a} value={a} onChange={(next) => go({ a: next, b })} />
          <Button
            icon={<ArrowLeftRight />}
            aria-label={s.swap}
            title={s.swap}
            className="h-9"
            onClick={() => go({ a: b, b: a })}
          />
          <RunPicker label={s.b} value={b} onChange={(next) => go({ a, b: next })} />
        </div>
      </PageHeader>
      {a && b ? (
        <Compared a={a} b={b} />
      ) : (
        <Empty icon={GitCompareArrows} title={s.choose}>
          {s.chooseDetail}
        </Empty>
      )}
    </>
  );
}

interface PickerProps {
  label: string;
  value: string | undefined;
  onChange(id: string | undefined): void;
}

function RunPicker({ label, value, onChange }: PickerProps) {
  const recent = useInfiniteQuery(runsQuery({})).data?.pages.flatMap((it) => it.items) ?? [];
  const directory = useDirectory();
  const titles = useRunTitles();
  const isListed = recent.some((it) => it.id === value);
  const name = (run: Run) =>
    `${titles(run)} · ${run.agent_id ? directory.name(run.agent_id) : t.runs.kinds[run.kind]} · ${t.runs.states[run.state]} · ${shortId(run.id)}`;
  return (
    <Field label={label} className="w-full min-w-0 sm:w-auto sm:max-w-xl sm:flex-1">
      {(control) => (
        <select
          {...control}
          value={value ?? ""}
          onChange={(event) => onChange(event.target.value || undefined)}
          className={`${controlClass} h-9`}
        >
          <option value="">{s.choose}</option>
          {value && !isListed && <option value={value}>{shortId(value)}</option>}
          {recent.map((run) => (
            <option key={run.id} value={run.id}>
              {name(run)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

function Compared({ a, b }: { a: string; b: string }) {
  const [runA, runB] = [useQuery(runQuery(a)), useQuery(runQuery(b))];
  const [stepsA, stepsB] = [useQuery(stepsQuery(a)), useQuery(stepsQuery(b))];
  const all = [runA, runB, stepsA, stepsB];
  const broken = all.find((it) => it.isError);
  if (broken?.error) {
    return (
      <div className="p-4 md:p-6">
        <ErrorNotice error={broken.error} onRetry={() => void broken.refetch()} />
      </div>
    );
  }
  if (!runA.data || !runB.data || !stepsA.data || !stepsB.data)
    return <SkeletonRows className="px-4 md:px-6" />;
  const pairs = compareSteps(stepsA.data, stepsB.data);
  const parting = partingOf(pairs);
  return (
    <div className="flex flex-col">
      <div className="p-4 md:p-6">
        {parting < 0 ? (
          <Notice tone="ok" title={s.same}>
            {s.sameDetail}
          </Notice>
        ) : (
          <Notice tone="warn" title={s.parted(parting + 1)}>
            {parting === 0 ? s.partedFirst : s.partedDetail}
          </Notice>
        )}
      </div>
      <SidesHead names={[<RunName key="a" run={runA.data} />, <RunName key="b" run={runB.data} />]} />
      <ol aria-label={s.title} className="flex flex-col">
        {pairs.map((pair, at) => (
          <Fragment key={`${pair.a?.step ?? "–"} ${pair.b?.step ?? "–"}`}>
            {at === parting && <DivergenceLine name={t.runs.replayPage.firstDivergence} />}
            <PairRow pair={pair} at={at} isAfter={parting >= 0 && at > parting} />
          </Fragment>
        ))}
      </ol>
    </div>
  );
}

function RunName({ run }: { run: Run }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Link
        to="/runs/$runId"
        params={{ runId: run.id }}
        className="font-mono text-accent-text underline-offset-2 hover:underline"
      >
        {shortId(run.id)}
      </Link>
      <StateBadge run={run} />
      <span>{duration(tookMs(run, Date.now()))}</span>
      <Time at={run.created_at} />
    </span>
  );
}

function PairRow({ pair, at, isAfter }: { pair: Pair; at: number; isAfter: boolean }) {
  const either = pair.a ?? pair.b;
  return (
    <SidesRow
      differs={pair.differs.length > 0}
      isAfter={isAfter}
      none={s.noStep}
      head={
        <>
          <span className="w-6 shrink-0 text-right text-xs text-muted tabular-nums">{at + 1}</span>
          <code className="shrink-0 font-mono text-xs font-medium">
            {either?.tool ?? t.runs.step.context}
          </code>
          <span className="min-w-0 truncate text-xs text-muted">{targetName(either?.target)}</span>
          {pair.differs.includes("input") && <Badge tone="warn">{s.inputs}</Badge>}
          {pair.differs.includes("decision") && <Badge tone="warn">{s.decision}</Badge>}
          {pair.differs.includes("output") && <Badge tone="warn">{s.outputs}</Badge>}
        </>
      }
      sides={[
        pair.a && <PairSide key="a" step={pair.a} pair={pair} label={s.a} />,
        pair.b && <PairSide key="b" step={pair.b} pair={pair} label={s.b} />,
      ]}
    />
  );
}

/** What there is to say of one side: how it stands, and what of it differs. */
function PairSide({ step, pair, label }: { step: Step; pair: Pair; label: string }) {
  const verdict = decisionOf(step.decision)?.verdict;
  const took = durationOf(step);
  const outcome = outcomeOf(step.result);
  const output = outcome && (outcome.ok ? pretty(outcome.output) : `${outcome.code}: ${outcome.message}`);
  return (
    <span className="flex flex-col gap-1.5">
      <span className="flex items-center gap-2 text-xs text-muted">
        <StepSign state={stateOf(step)} />
        <VerdictBadge verdict={verdict} />
        {took !== undefined && <span className="tabular-nums">{duration(took)}</span>}
      </span>
      {pair.differs.includes("input") && (
        <SideText text={pretty(step.arguments)} label={`${label}: ${s.inputs}`} />
      )}
      {pair.differs.includes("output") && output && (
        <SideText text={output} label={`${label}: ${s.outputs}`} />
      )}
    </span>
  );
}
