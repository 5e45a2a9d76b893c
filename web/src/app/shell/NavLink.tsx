import { Link } from "@tanstack/react-router";
import { usePendingCount } from "@/features/approvals/api/approvals";
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
  return of === "approvals" ? <PendingBadge /> : null;
}

function PendingBadge() {
  const count = usePendingCount();
  if (count === 0) return null;
  return (
    <span className="inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-full bg-accent px-1 text-2xs font-semibold text-on-accent tabular-nums">
      <span aria-hidden>{count > 99 ? "99+" : count}</span>
      <span className="sr-only">{t.approvals.waiting(count)}</span>
    </span>
  );
}
