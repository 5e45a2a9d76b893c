import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Inbox, ShieldCheck } from "lucide-react";
import { useKeys } from "@/app/keys";
import { useDirectory } from "@/features/directory/api/directory";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { LoadMore } from "@/ui/LoadMore";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Approval, allApprovalsQuery, pendingQuery } from "../api/approvals";
import { targetName } from "../model/show";
import { ApprovalDetail } from "./ApprovalDetail";
import { Countdown } from "./Countdown";
import { StatusBadge } from "./StatusBadge";

type Show = "pending" | "decided";

function useRequests(show: Show) {
  const pending = useQuery({ ...pendingQuery, enabled: show === "pending" });
  const all = useInfiniteQuery({ ...allApprovalsQuery, enabled: show === "decided" });
  if (show === "pending") {
    return { ...pending, items: pending.data?.items, all: undefined };
  }
  const items = all.data?.pages.flatMap((page) => page.items).filter((it) => it.status !== "pending");
  return { ...all, items, all };
}

export function InboxPage() {
  const { approvalId } = useParams({ strict: false });
  const show: Show = useSearch({ strict: false }).show === "decided" ? "decided" : "pending";
  const navigate = useNavigate();
  const requests = useRequests(show);
  const items = requests.items ?? [];
  const search = show === "decided" ? { show } : {};

  const open = (id: string | undefined) =>
    void (id
      ? navigate({ to: "/inbox/$approvalId", params: { approvalId: id }, search })
      : navigate({ to: "/inbox", search }));
  const step = (by: number) => {
    const at = items.findIndex((it) => it.id === approvalId);
    const next = items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))];
    if (next) open(next.id);
  };
  // After an answer the next request is at hand, so that many can be worked through.
  const goOn = () => {
    const at = items.findIndex((it) => it.id === approvalId);
    open((items[at + 1] ?? items[at - 1])?.id);
  };
  useKeys([
    { keys: "j", label: t.approvals.keyNext, group: "page", run: () => step(1) },
    { keys: "k", label: t.approvals.keyPrevious, group: "page", run: () => step(-1) },
    { keys: "escape", label: t.approvals.back, group: "page", run: () => open(undefined) },
  ]);

  return (
    <div className="flex h-[calc(100dvh-3.5rem-env(safe-area-inset-bottom))] min-h-0 md:h-dvh">
      <PageTitle title={t.approvals.title} />
      <section
        aria-label={t.approvals.listLabel}
        className={cx(
          "flex w-full min-w-0 flex-col lg:w-80 lg:shrink-0 lg:border-r xl:w-96",
          approvalId && "max-lg:hidden",
        )}
      >
        <header className="border-b px-4 pt-4 pb-3">
          <h1 className="text-lg font-semibold">{t.approvals.title}</h1>
          <p className="text-sm text-muted">{t.approvals.detail}</p>
          <nav aria-label={t.approvals.filterLabel} className="mt-3 flex flex-wrap gap-1">
            {(["pending", "decided"] as const).map((it) => (
              <Link
                key={it}
                to="/inbox"
                search={it === "decided" ? { show: it } : {}}
                data-chosen={it === show || undefined}
                className="rounded-md px-2.5 py-1 text-sm font-medium whitespace-nowrap text-muted hover:bg-hover data-chosen:bg-hover data-chosen:text-text"
              >
                {t.approvals.filters[it]}
              </Link>
            ))}
            <Link
              to="/grants"
              className="ml-auto self-center text-xs text-muted underline-offset-2 hover:underline"
            >
              {t.grants.fromInbox}
            </Link>
          </nav>
        </header>
        <div className="min-h-0 flex-1 overflow-y-auto">
          {requests.isError && !requests.items && (
            <div className="p-4">
              <ErrorNotice error={requests.error} onRetry={() => void requests.refetch()} />
            </div>
          )}
          {requests.isPending && <SkeletonRows className="px-4" />}
          {requests.items?.length === 0 && <NothingHere show={show} />}
          <ul>
            {items.map((it) => (
              <Row key={it.id} approval={it} search={search} />
            ))}
          </ul>
          {requests.all && <LoadMore query={requests.all} />}
        </div>
      </section>
      <section className={cx("flex min-w-0 flex-1 flex-col", !approvalId && "max-lg:hidden")}>
        {approvalId && <h1 className="sr-only lg:hidden">{t.approvals.title}</h1>}
        {approvalId ? (
          <ApprovalDetail key={approvalId} id={approvalId} onBack={() => open(undefined)} onAnswered={goOn} />
        ) : (
          <p className="m-auto text-sm text-muted">{items.length > 0 && t.approvals.choose}</p>
        )}
      </section>
    </div>
  );
}

function NothingHere({ show }: { show: Show }) {
  return show === "pending" ? (
    <Empty icon={Inbox} title={t.approvals.emptyTitle}>
      {t.approvals.empty}
    </Empty>
  ) : (
    <Empty icon={ShieldCheck} title={t.approvals.decidedEmptyTitle}>
      {t.approvals.decidedEmpty}
    </Empty>
  );
}

function Row({ approval, search }: { approval: Approval; search: { show?: "decided" } }) {
  const directory = useDirectory();
  return (
    <li>
      <Link
        to="/inbox/$approvalId"
        params={{ approvalId: approval.id }}
        search={search}
        className="flex flex-col gap-1 border-b px-4 py-3 transition-colors hover:bg-hover focus-visible:outline-offset-[-2px] data-[status=active]:bg-accent-soft"
      >
        <span className="flex items-baseline gap-2">
          <span className="min-w-0 flex-1 truncate text-sm font-medium">
            {targetName(approval.target) || approval.tool}
          </span>
          <Time at={approval.created_at} className="shrink-0 text-xs text-muted" />
        </span>
        <span className="flex items-center gap-2 text-xs text-muted">
          <span className="min-w-0 flex-1 truncate">
            <code className="font-mono">{approval.tool}</code> · {directory.name(approval.agent_id)}
          </span>
          {approval.status === "pending" ? (
            <Countdown until={approval.expires_at} quiet />
          ) : (
            <StatusBadge status={approval.status} scope={approval.scope} />
          )}
        </span>
      </Link>
    </li>
  );
}
