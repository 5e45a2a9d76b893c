import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import {
  AtSign,
  BellOff,
  CheckCheck,
  CircleCheck,
  CircleX,
  Coins,
  Inbox,
  type LucideIcon,
  ServerOff,
} from "lucide-react";
import { useRef } from "react";
import { useKeys } from "@/app/keys";
import { useSignedIn } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { heardQuery, markAllRead, markRead, useUnread } from "../api/notifications";
import type { Notice, NoticeKind } from "../model/notices";

const s = t.notifications;
const icons: Record<NoticeKind, { Icon: LucideIcon; ink: string }> = {
  approval: { Icon: Inbox, ink: "text-warn" },
  failed: { Icon: CircleX, ink: "text-bad" },
  ended: { Icon: CircleCheck, ink: "text-ok" },
  mention: { Icon: AtSign, ink: "text-accent-text" },
  budget: { Icon: Coins, ink: "text-warn" },
  node: { Icon: ServerOff, ink: "text-bad" },
};

export function NotificationsPage() {
  const { show } = useSearch({ from: "/signed-in/shell/notifications" });
  const navigate = useNavigate();
  const { user } = useSignedIn();
  const heard = useQuery(heardQuery(user.id));
  const all = useUnread();
  const unread = all.filter((it) => it.isUnread);
  const shown = show === "all" ? all : unread;
  const list = useRef<HTMLUListElement>(null);
  const readAll = () => markAllRead(all.map((it) => it.notice));
  const readOne = () => {
    const focused = document.activeElement?.getAttribute("data-row");
    if (focused) markRead([focused]);
  };
  useRowKeys(list);
  useKeys([
    { keys: "x", label: s.markRead, group: "page", run: readOne },
    { keys: "m", label: s.markAll, group: "page", run: readAll },
  ]);
  const filters = [
    { name: s.filters.unread, search: {}, isChosen: show !== "all" },
    { name: s.filters.all, search: { show: "all" as const }, isChosen: show === "all" },
  ];
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader
        title={s.title}
        detail={s.detail}
        actions={
          <>
            <Link to="/settings/notifications" className={buttonClass()}>
              {s.setUp}
            </Link>
            <Button icon={<CheckCheck />} disabled={unread.length === 0} onClick={readAll}>
              {s.markAll}
            </Button>
          </>
        }
      >
        <nav aria-label={s.filterLabel} className="flex gap-1">
          {filters.map((it) => (
            <Link
              key={it.name}
              to="/notifications"
              search={it.search}
              data-chosen={it.isChosen || undefined}
              className="rounded-md px-2.5 py-1 text-sm font-medium text-muted hover:bg-hover data-chosen:bg-hover data-chosen:text-text"
            >
              {it.name}
            </Link>
          ))}
        </nav>
      </PageHeader>
      {heard.isPending && shown.length === 0 && <SkeletonRows rows={4} className="px-4 md:px-6" />}
      {heard.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={heard.error} onRetry={() => void heard.refetch()} />
        </div>
      )}
      {heard.isSuccess && shown.length === 0 && (
        <Empty
          icon={BellOff}
          title={show === "all" ? s.emptyAll : s.emptyTitle}
          action={
            show !== "all" && (
              <Button onClick={() => void navigate({ to: "/notifications", search: { show: "all" } })}>
                {s.showAll}
              </Button>
            )
          }
        >
          {s.empty}
        </Empty>
      )}
      <ul ref={list} aria-label={s.listLabel}>
        {shown.map(({ notice, isUnread }) => (
          <Row key={notice.id} notice={notice} isUnread={isUnread} />
        ))}
      </ul>
    </>
  );
}

function Row({ notice, isUnread }: { notice: Notice; isUnread: boolean }) {
  const { Icon, ink } = icons[notice.kind];
  return (
    <li className="border-b">
      <Link
        to={notice.href}
        data-row={notice.id}
        onClick={() => markRead([notice.id])}
        className="flex items-start gap-3 px-4 py-3 text-sm outline-offset-[-2px] hover:bg-hover/60 md:px-6"
      >
        <Icon aria-hidden className={cx("mt-0.5 size-4 shrink-0", ink)} />
        <span className="min-w-0 flex-1 break-words">
          <span className={cx("block", isUnread && "font-semibold")}>{notice.title}</span>
          {notice.detail && <span className="block text-xs text-muted">{notice.detail}</span>}
        </span>
        {notice.at && <Time at={notice.at} className="shrink-0 text-xs text-muted" />}
        {isUnread && (
          <span className="mt-1.5 size-2 shrink-0 rounded-full bg-accent">
            <span className="sr-only">{s.isUnread}</span>
          </span>
        )}
      </Link>
    </li>
  );
}
