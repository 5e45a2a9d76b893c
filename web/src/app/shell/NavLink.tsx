import { Link } from "@tanstack/react-router";
import { usePendingCount } from "@/features/approvals/api/approvals";
import { useUnreadCount } from "@/features/notifications/api/notifications";
import { t } from "@/strings";
import type { NavEntry } from "../nav";

export function NavLink({ entry, onClick }: { entry: NavEntry; onClick?: () => void }) {
  const { to, label, icon: Icon } = entry;
  return (
    <Link
      to={to}
      {...(onClick ? { onClick } : {})}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-sm font-medium text-muted transition-colors hover:bg-hover hover:text-text data-[status=active]:bg-hover data-[status=active]:text-text"
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      <span className="min-w-0 flex-1 truncate">{label}</span>
      <NavBadge of={entry.badge} />
    </Link>
  );
}

/** How much waits behind an entry. */
export function NavBadge({ of }: { of: NavEntry["badge"] }) {
  switch (of) {
    case "approvals":
      return <PendingBadge />;
    case "notices":
      return <UnreadBadge />;
    case undefined:
      return null;
  }
}

function UnreadBadge() {
  const count = useUnreadCount();
  return <Count count={count} said={t.notifications.unread(count)} />;
}

function PendingBadge() {
  const count = usePendingCount();
  return <Count count={count} said={t.approvals.waiting(count)} />;
}

function Count({ count, said }: { count: number; said: string }) {
  if (count === 0) return null;
  return (
    <span className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-full bg-accent px-1 text-2xs font-semibold text-on-accent tabular-nums">
      <span aria-hidden>{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{said}</span>
    </span>
  );
}
