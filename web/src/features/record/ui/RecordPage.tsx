import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Download, RefreshCw, SearchX, ShieldCheck } from "lucide-react";
import { useRef } from "react";
import { eventOf } from "@/api/events";
import { useKeys } from "@/app/keys";
import { useRowKeys } from "@/app/useRowKeys";
import { targetName } from "@/features/approvals/model/show";
import { shortId } from "@/lib/format";
import { t } from "@/strings";
import { Button, buttonClass, IconButton } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { LoadMore } from "@/ui/LoadMore";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { downloadExport, recordQuery, type Sealed } from "../api/record";
import type { RecordFilter } from "../model/filter";
import { Actors } from "./Actors";
import { RecordFilters } from "./RecordFilters";

const s = t.record;
const grid =
  "grid grid-cols-[3rem_minmax(0,1fr)_auto] items-center gap-x-4 md:grid-cols-[4rem_13rem_minmax(0,1fr)_12rem_4.5rem]";

export function RecordPage() {
  const filter = useSearch({ from: "/signed-in/shell/record" });
  const navigate = useNavigate();
  const record = useInfiniteQuery(recordQuery(filter));
  const list = useRef<HTMLOListElement>(null);
  const tool = useRef<HTMLInputElement>(null);
  const exporting = useMutation({ mutationFn: downloadExport, meta: { failed: s.exportFailed } });
  const setFilter = (next: RecordFilter) => void navigate({ to: "/record", search: next });
  useRowKeys(list);
  useKeys([
    { keys: "/", label: t.common.findHere, group: "page", run: () => tool.current?.focus() },
    { keys: "v", label: s.verify, group: "page", run: () => void navigate({ to: "/record/verify" }) },
  ]);
  const items = record.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          <>
            <IconButton
              label={s.lookAgain}
              look="secondary"
              icon={<RefreshCw />}
              busy={record.isRefetching && !record.isFetchingNextPage}
              onClick={() => void record.refetch()}
            />
            <Button
              icon={<Download />}
              title={s.exportHint}
              busy={exporting.isPending}
              onClick={() => exporting.mutate()}
            >
              {s.export}
            </Button>
            <Link to="/record/verify" className={buttonClass({ look: "primary" })}>
              <ShieldCheck aria-hidden /> {s.verify}
            </Link>
          </>
        }
      >
        <RecordFilters filter={filter} onChange={setFilter} tool={tool} />
      </PageHeader>
      {record.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {record.isError && !record.isFetchNextPageError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={record.error} onRetry={() => void record.refetch()} />
        </div>
      )}
      {record.data && items.length === 0 && (
        <Empty icon={SearchX} title={s.emptyTitle}>
          {s.emptyDetail}
        </Empty>
      )}
      {items.length > 0 && (
        <>
          <div aria-hidden className="border-b bg-sunken/60 px-4 md:px-6">
            <div className={`${grid} h-8 text-xs text-muted`}>
              <span className="text-right">{s.columns.seq}</span>
              <span>
                {s.columns.kind} · {s.newest}
              </span>
              <span className="hidden md:block" />
              <span className="hidden md:block">{s.columns.who}</span>
              <span className="text-right">{s.columns.when}</span>
            </div>
          </div>
          <ol ref={list} aria-label={s.title}>
            {items.map((it) => (
              <Row key={it.seq} sealed={it} />
            ))}
          </ol>
        </>
      )}
      <LoadMore query={record} />
    </>
  );
}

function Row({ sealed }: { sealed: Sealed }) {
  const event = eventOf(sealed.event);
  if (!event) return null;
  const about = aboutOf(event.data, event.run);
  return (
    <li className="border-b">
      <Link
        to="/record/$seq"
        params={{ seq: String(sealed.seq) }}
        data-row={sealed.seq}
        className={`${grid} px-4 py-2 text-sm outline-offset-[-2px] hover:bg-hover/60 md:px-6`}
      >
        <span className="text-right text-xs text-muted tabular-nums">{sealed.seq}</span>
        <span className="flex min-w-0 flex-col">
          <span className="truncate font-mono text-xs leading-5">{event.kind}</span>
          <span className="truncate text-xs text-muted md:hidden">
            {about ? `${about} · ` : ""}
            <Actors actor={event.actor} />
          </span>
        </span>
        <span className="hidden min-w-0 truncate text-muted md:block" title={about}>
          {about}
        </span>
        <span className="hidden min-w-0 truncate text-muted md:block">
          <Actors actor={event.actor} />
        </span>
        <Time at={event.at} className="text-right text-xs text-muted" />
      </Link>
    </li>
  );
}

/** The little that tells an event from its neighbours. */
function aboutOf(data: Record<string, unknown>, run: string | undefined): string {
  const rules = Array.isArray(data.determining) ? data.determining : [];
  const words = [data.tool, data.verdict, data.code, data.name, ...rules].filter(
    (it) => typeof it === "string",
  );
  return [...words, targetName(data.target)].filter(Boolean).join(" · ") || (run ? shortId(run) : "");
}
