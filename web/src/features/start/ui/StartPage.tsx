import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { agentsQuery } from "@/features/directory/api/directory";
import { runQuery } from "@/features/runs/api/runs";
import { isOpen } from "@/features/runs/model/run";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { PageTitle } from "@/ui/PageTitle";
import { Skeleton } from "@/ui/Skeleton";
import { Stage } from "./Stage";
import { AgentStage, AskStage, DecideStage, Finished, ReplayStage, VerifyStage } from "./stages";

/** From an organisation with nothing in it to a run that was decided on, proved and repeated. */
export function StartPage() {
  const { run: runId, verified, replayed } = useSearch({ from: "/signed-in/shell/start" });
  const navigate = useNavigate();
  const agents = useQuery(agentsQuery);
  const run = useQuery({ ...runQuery(runId ?? ""), enabled: runId !== undefined });
  const agent = agents.data?.find((it) => it.planner === "rules" && it.state === "active");
  const go = (search: { run?: string; verified?: true; replayed?: true }) =>
    void navigate({ to: "/start", search, replace: true, resetScroll: false });

  const isAsked = runId !== undefined;
  const isDecided = run.data !== undefined && !isOpen(run.data);
  return (
    <div className="mx-auto w-full max-w-2xl px-4 py-8 sm:px-6">
      <PageTitle title={t.start.title} />
      <h1 className="text-2xl font-semibold tracking-tight">{t.start.title}</h1>
      <p className="mt-1 mb-8 text-muted">{t.start.detail}</p>
      {agents.error && <ErrorNotice error={agents.error} onRetry={() => void agents.refetch()} />}
      {agents.isPending && <Skeleton className="h-24" />}
      {agents.data && (
        <ol className="flex flex-col">
          <Stage number={1} title={t.start.agent.title} isDone={agent !== undefined} isOpen>
            <AgentStage agent={agent} />
          </Stage>
          <Stage number={2} title={t.start.ask.title} isDone={isAsked} isOpen={agent !== undefined}>
            <AskStage agentId={agent?.id} isAsked={isAsked} onAsked={(id) => go({ run: id })} />
          </Stage>
          <Stage number={3} title={t.start.decide.title} isDone={isDecided} isOpen={isAsked}>
            {run.error && <ErrorNotice error={run.error} onRetry={() => go({})} />}
            {runId && run.data && <DecideStage run={run.data} />}
          </Stage>
          <Stage number={4} title={t.start.verify.title} isDone={verified === true} isOpen={isDecided}>
            <VerifyStage
              isDone={verified === true}
              onVerified={(isGood) => runId && go({ run: runId, ...(isGood ? { verified: true } : {}) })}
            />
          </Stage>
          <Stage
            number={5}
            title={t.start.replay.title}
            isDone={replayed === true}
            isOpen={verified === true}
            isLast
          >
            {runId && (
              <ReplayStage
                runId={runId}
                onReplayed={() => go({ run: runId, verified: true, replayed: true })}
              />
            )}
          </Stage>
        </ol>
      )}
      {replayed && runId && <Finished runId={runId} onAgain={() => go({})} />}
    </div>
  );
}
