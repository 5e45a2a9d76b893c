import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, GitCompareArrows, History, X } from "lucide-react";
import { useMemo, useRef } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { cx } from "@/lib/cx";
import { useWide } from "@/lib/useMedia";
import { t } from "@/strings";
import { buttonClass, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { SkeletonRows } from "@/ui/Skeleton";
import { TabPanel, Tabs } from "@/ui/Tabs";
import { eventsQuery, type Run, runQuery, stepsQuery, useRunTail } from "../api/runs";
import type { RunTab } from "../model/names";
import { isOpen } from "../model/run";
import { type Row, timelineOf } from "../model/timeline";
import { AnswerTab } from "./AnswerTab";
import { EventsTab } from "./EventsTab";
import { RunHeader } from "./RunHeader";
import { CancelButton, RunNotices } from "./RunNotices";
import { StepPanel } from "./StepPanel";
import { Waterfall } from "./Waterfall";

const s = t.runs.run;
/** From this width on a step stands beside the others, from the other one on it lies over them. */
const BESIDE = 1024;
const OVER = 768;

export function RunPage() {
  const { runId } = useParams({ from: "/signed-in/shell/runs/$runId" });
  const run = useQuery(runQuery(runId));
  useRunTail(runId, run.data !== undefined && isOpen(run.data));
  if (run.isPending) return <SkeletonRows className="px-4 pt-4 md:px-6" />;
  if (run.isError) {
    return (
      <div className="mx-auto w-full max-w-lg p-6">
        <ErrorNotice error={run.error} onRetry={() => void run.refetch()} />
        <Link to="/runs" className={`mt-3 ${buttonClass()}`}>
          {s.back}
        </Link>
      </div>
    );
  }
  return <Loaded run={run.data} />;
}

function Loaded({ run }: { run: Run }) {
  const { step: chosen, tab = "timeline" } = useSearch({ from: "/signed-in/shell/runs/$runId" });
  const navigate = useNavigate();
  const events = useQuery(eventsQuery(run.id));
  const steps = useQuery(stepsQuery(run.id));
  const timeline = useMemo(() => timelineOf(events.data ?? []), [events.data]);
  const byNumber = useMemo(() => new Map((steps.data ?? []).map((it) => [it.step, it])), [steps.data]);
  const list = useRef<HTMLOListElement>(null);
  const isBeside = useWide(BESIDE);
  const isOver = useWide(OVER);
  const may = useMay("member");
  const row = tab === "timeline" ? timeline.rows.find((it) => it.step === chosen) : undefined;

  const go = (search: { step?: number; tab?: RunTab }) =>
    void navigate({ to: "/runs/$runId", params: { runId: run.id }, search, replace: true });
  const show = (step: number | undefined) => go(step === undefined ? {} : { step });
  const toReplay = () => void navigate({ to: "/runs/$runId/replay", params: { runId: run.id } });

  useRowKeys(list, tab === "timeline");
  useKeys([
    ...(may ? [{ keys: "r", label: s.replay, group: "page" as const, run: toReplay }] : []),
    {
      keys: "escape",
      label: row ? s.closeStep : s.back,
      group: "page",
      run: () => (row ? show(undefined) : void navigate({ to: "/runs" })),
    },
  ]);

  const actions = (
    <>
      {isOpen(run) && may && <CancelButton run={run} />}
      <Link to="/runs/compare" search={{ a: run.id }} className={buttonClass()}>
        <GitCompareArrows aria-hidden /> {s.compare}
      </Link>
      {may && (
        <Link
          to="/runs/$runId/replay"
          params={{ runId: run.id }}
          className={buttonClass({ look: "primary" })}
        >
          <History aria-hidden /> {s.replay}
        </Link>
      )}
    </>
  );
  return (
    <>
      <RunHeader run={run} steps={steps.data} actions={actions} />
      <RunNotices run={run} />
      <Tabs
        label={s.tabsLabel}
        value={tab}
        onChange={(next) => go(next === "timeline" ? {} : { tab: next })}
        tabs={[
          { name: "timeline", label: s.tabs.timeline },
          { name: "events", label: s.tabs.events },
          { name: "answer", label: s.tabs.answer },
        ]}
      >
        <TabPanel name="timeline">
          {events.isPending && <SkeletonRows className="px-4 md:px-6" />}
          {events.isError && (
            <div className="p-4 md:p-6">
              <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />
            </div>
          )}
          {events.isSuccess && timeline.rows.length === 0 && (
            <Empty icon={History} title={s.noSteps}>
              {isOpen(run) ? s.noStepsDetail : s.noStepsEver}
            </Empty>
          )}
          {timeline.rows.length > 0 && (
            <div className="flex min-h-0 flex-1 items-stretch">
              <div className="min-w-0 flex-1">
                <Waterfall
                  timeline={timeline}
                  steps={byNumber}
                  selected={row?.step}
                  onSelect={(step) => show(step === row?.step ? undefined : step)}
                  list={list}
                />
              </div>
              {row && isOver && (
                <aside
                  aria-label={t.runs.step.title(row.step)}
                  className={cx(
                    "w-88 overflow-y-auto border-l bg-surface xl:w-104",
                    isBeside
                      ? "sticky top-0 h-dvh shrink-0"
                      : "fixed inset-y-0 right-0 z-20 animate-in shadow-lg",
                  )}
                >
                  <PanelHead row={row} rows={timeline.rows} onShow={show} />
                  <div className="px-5 pb-8">
                    <StepPanel runId={run.id} row={row} />
                  </div>
                </aside>
              )}
              {row && !isOver && (
                <Dialog
                  open
                  onOpenChange={(open) => open || show(undefined)}
                  title={`${t.runs.step.title(row.step)} · ${row.tool ?? t.runs.step.context}`}
                >
                  <StepPanel runId={run.id} row={row} />
                </Dialog>
              )}
            </div>
          )}
        </TabPanel>
        <TabPanel name="events">
          <EventsTab events={events} />
        </TabPanel>
        <TabPanel name="answer">
          <AnswerTab run={run} />
        </TabPanel>
      </Tabs>
    </>
  );
}

interface HeadProps {
  row: Row;
  rows: readonly Row[];
  onShow(step: number | undefined): void;
}

function PanelHead({ row, rows, onShow }: HeadProps) {
  const at = rows.indexOf(row);
  const [before, after] = [rows[at - 1], rows[at + 1]];
  return (
    <div className="sticky top-0 z-10 flex items-center gap-1 bg-surface py-3 pr-3 pl-5">
      <h2 className="min-w-0 flex-1 truncate text-base font-semibold">
        {t.runs.step.title(row.step)}
        <span className="ml-2 font-mono text-xs font-normal text-muted">{row.tool}</span>
      </h2>
      <IconButton
        size="sm"
        label={s.previousStep}
        icon={<ChevronUp />}
        disabled={!before}
        onClick={() => before && onShow(before.step)}
      />
      <IconButton
        size="sm"
        label={s.nextStep}
        icon={<ChevronDown />}
        disabled={!after}
        onClick={() => after && onShow(after.step)}
      />
      <IconButton size="sm" label={s.closeStep} icon={<X />} onClick={() => onShow(undefined)} />
    </div>
  );
}
