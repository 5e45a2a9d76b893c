import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { GitCompareArrows, SearchX, Waypoints } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useRowKeys } from "@/app/useRowKeys";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { CopyButton } from "@/ui/Code";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { LoadMore } from "@/ui/LoadMore";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { type Run, type RunFilter, runsQuery } from "../api/runs";
import { useRunTitles } from "../api/titles";
import { RunFilters } from "./RunFilters";
import { RunRow, RunsHead } from "./RunRow";
import { RunViews } from "./RunViews";

const s = t.runs;

export function RunsPage() {
  const filter = useSearch({ from: "/signed-in/shell/runs" });
  const navigate = useNavigate();
  const runs = useInfiniteQuery(runsQuery(filter));
  const directory = useDirectory();
  const titles = useRunTitles();
  const [find, setFind] = useState("");
  const [picked, setPicked] = useState<string[]>([]);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);

  const setFilter = (next: RunFilter) => void navigate({ to: "/runs", search: next });
  const all = runs.data?.pages.flatMap((page) => page.items) ?? [];
  const wanted = find.trim().toLowerCase();
  const shown = all.filter((run) => {
    if (wanted === "") return true;
    const words = [titles(run), run.agent_id ? directory.name(run.agent_id) : "", run.id, run.workspace];
    return words.some((it) => it.toLowerCase().includes(wanted));
  });
  const pick = (run: Run) =>
    setPicked((old) =>
      old.includes(run.id) ? old.filter((it) => it !== run.id) : [...old, run.id].slice(-2),
    );
  const compare = () =>
    void navigate({
      to: "/runs/compare",
      search: { ...(picked[0] ? { a: picked[0] } : {}), ...(picked[1] ? { b: picked[1] } : {}) },
    });

  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => input.current?.focus() },
    {
      keys: "x",
      label: s.pickHere,
      group: "page",
      run: () => {
        const id = document.activeElement?.getAttribute("data-row");
        const run = all.find((it) => it.id === id);
        if (run) pick(run);
      },
    },
    { keys: "c", label: s.compare, group: "page", run: compare },
  ]);

  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          <>
            {picked.length > 0 && (
              <span className="text-sm text-muted">{s.comparePicked(picked.length)}</span>
            )}
            <Button icon={<GitCompareArrows />} onClick={compare}>
              {s.compare}
            </Button>
          </>
        }
      >
        <RunViews filter={filter} onChoose={setFilter} />
        <RunFilters filter={filter} onChange={setFilter} find={find} onFind={setFind} input={input} />
      </PageHeader>
      {runs.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {runs.isError && !runs.isFetchNextPageError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={runs.error} onRetry={() => void runs.refetch()} />
        </div>
      )}
      {shown.length > 0 && (
        <>
          <RunsHead />
          <ul ref={list} aria-label={s.title} className="flex flex-col">
            {shown.map((run) => (
              <RunRow
                key={run.id}
                run={run}
                title={titles(run)}
                agent={run.agent_id ? directory.name(run.agent_id) : undefined}
                isPicked={picked.includes(run.id)}
                onPick={() => pick(run)}
              />
            ))}
          </ul>
        </>
      )}
      {runs.data && shown.length === 0 && (
        <NoRuns isNarrowed={all.length > 0 || Object.keys(filter).length > 0} hasMore={runs.hasNextPage} />
      )}
      <LoadMore query={runs} />
    </>
  );
}

function NoRuns({ isNarrowed, hasMore }: { isNarrowed: boolean; hasMore: boolean }) {
  if (isNarrowed) {
    return (
      <Empty icon={SearchX} title={s.empty.noneTitle}>
        {hasMore ? s.empty.noneLoaded : s.empty.noneDetail}
      </Empty>
    );
  }
  return (
    <Empty
      icon={Waypoints}
      title={s.empty.title}
      action={
        <>
          <Link to="/start" className={buttonClass({ look: "primary" })}>
            {t.chats.toStart}
          </Link>
          <Link to="/chats" search={{ add: true }} className={buttonClass()}>
            {t.chats.newChat}
          </Link>
        </>
      }
    >
      <p>{s.empty.detail}</p>
      <p className="mx-auto mt-3 flex w-fit max-w-full items-center gap-1 rounded-md border bg-sunken py-1 pr-1 pl-3">
        <code className="min-w-0 font-mono text-xs">{s.empty.command}</code>
        <CopyButton text={s.empty.command} />
      </p>
    </Empty>
  );
}
