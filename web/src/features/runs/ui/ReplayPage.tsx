import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { History } from "lucide-react";
import { useEffect } from "react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { type Run, runQuery, useReplay, useRunTail } from "../api/runs";
import { useRunTitles } from "../api/titles";
import { reportOf } from "../model/replay";
import { isOpen } from "../model/run";
import { ReplayForm } from "./ReplayForm";
import { ReplayReportView } from "./ReplayReportView";

const s = t.runs.replayPage;

export function ReplayPage() {
  const { runId } = useParams({ from: "/signed-in/shell/runs/$runId/replay" });
  const run = useQuery(runQuery(runId));
  const titles = useRunTitles();
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        above={
          <BackLink to="/runs/$runId" params={{ runId }}>
            {run.data ? titles(run.data) : s.back}
          </BackLink>
        }
        title={s.title}
        detail={s.detail}
      />
      {run.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {run.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={run.error} onRetry={() => void run.refetch()} />
        </div>
      )}
      {run.data && <Loaded run={run.data} />}
    </>
  );
}

function Loaded({ run }: { run: Run }) {
  const { mode = "same" } = useSearch({ from: "/signed-in/shell/runs/$runId/replay" });
  const may = useMay("member");
  const replay = useReplay();
  const { mutate, reset } = replay;
  const under = replay.data && "run" in replay.data ? replay.data.run : undefined;

  // Without changes there is nothing to choose, so it begins by itself; what was replayed otherwise is gone.
  useEffect(() => {
    reset();
    if (mode === "same" && may && !isOpen(run)) mutate({ id: run.id });
  }, [mode, may, run, mutate, reset]);

  if (!may)
    return (
      <Padded>
        <Notice>{s.viewer}</Notice>
      </Padded>
    );
  if (isOpen(run)) {
    return (
      <Padded>
        <Notice tone="warn" title={s.notOver}>
          {s.notOverDetail}
        </Notice>
      </Padded>
    );
  }
  return (
    <div className="flex flex-1 flex-col xl:flex-row">
      <div className="shrink-0 border-b p-4 md:p-6 xl:w-104 xl:border-r xl:border-b-0">
        <ReplayForm
          mode={mode}
          run={run}
          isBusy={replay.isPending}
          hasReport={replay.isSuccess}
          error={replay.error}
          onReplay={(changes) => mutate({ id: run.id, ...(changes ? { changes } : {}) })}
        />
      </div>
      <div aria-live="polite" className="min-w-0 flex-1">
        {replay.isPending && (
          <Padded>
            <p className="mb-4 text-sm text-muted">{s.running}</p>
            <SkeletonRows rows={4} />
          </Padded>
        )}
        {replay.isError && (
          <Padded>
            <ErrorNotice error={replay.error} />
          </Padded>
        )}
        {under && <UnderWay run={under} />}
        {replay.data && "report" in replay.data && (
          <ReplayReportView report={reportOf(replay.data.report)} changed={mode !== "same"} />
        )}
        {replay.isIdle && (
          <Empty icon={History} title={s.startTitle}>
            {s.startDetail}
          </Empty>
        )}
      </div>
    </div>
  );
}

const Padded = ({ children }: { children: React.ReactNode }) => <div className="p-4 md:p-6">{children}</div>;

/** A replay that asks a model longer than a request may take: a run, whose answer is the report. */
function UnderWay({ run }: { run: Run }) {
  const now = useQuery(runQuery(run.id)).data ?? run;
  useRunTail(run.id, isOpen(now));
  if (now.state === "succeeded") return <ReplayReportView report={reportOf(now.answer)} changed />;
  return (
    <Padded>
      <Notice tone={isOpen(now) ? "info" : "bad"} title={isOpen(now) ? s.running : t.runs.states[now.state]}>
        <p>{s.asking}</p>
        <Link to="/runs/$runId" params={{ runId: run.id }} className={`mt-2 ${buttonClass({ size: "sm" })}`}>
          {s.openReplay}
        </Link>
      </Notice>
    </Padded>
  );
}
