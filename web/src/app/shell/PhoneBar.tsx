import { Link } from "@tanstack/react-router";
import { Menu as MenuIcon, Search } from "lucide-react";
import { useState } from "react";
import { t } from "@/strings";
import { Dialog } from "@/ui/Dialog";
import { nav } from "../nav";
import { NavBadge, NavLink } from "./NavLink";
import { OrgMenu } from "./OrgMenu";
import { UserMenu } from "./UserMenu";

const tab =
  "flex flex-1 flex-col items-center justify-center gap-0.5 text-2xs font-medium text-muted data-[status=active]:text-accent-text";
const FIRST = 3;

/** The bar at the bottom of a phone: the first pages, searching, and everything else. */
export function PhoneBar({ onSearch }: { onSearch(): void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <nav
      aria-label={t.shell.nav}
      className="fixed inset-x-0 bottom-0 z-30 flex h-[calc(3.5rem+env(safe-area-inset-bottom))] border-t bg-surface pb-[env(safe-area-inset-bottom)] md:hidden"
    >
      {nav.slice(0, FIRST).map(({ to, label, icon: Icon, badge }) => (
        <Link key={to} to={to} className={tab}>
          <span className="relative">
            <Icon aria-hidden className="size-5" />
            <span className="absolute -top-1.5 left-3">
              <NavBadge of={badge} />
            </span>
          </span>
          {label}
        </Link>
      ))}
      <button type="button" className={tab} onClick={onSearch}>
        <Search aria-hidden className="size-5" />
        {t.shell.searchShort}
      </button>
      <button type="button" className={tab} onClick={() => setOpen(true)}>
        <MenuIcon aria-hidden className="size-5" />
        {t.shell.menu}
      </button>
      <Dialog open={isOpen} onOpenChange={setOpen} title={t.shell.menu}>
        <div className="flex items-center gap-2 border-b pb-2">
          <div className="min-w-0 flex-1">
            <OrgMenu />
          </div>
          <UserMenu compact />
        </div>
        <div className="flex flex-col gap-0.5 pt-2">
          {nav.map((entry) => (
            <NavLink key={entry.to} entry={entry} onClick={() => setOpen(false)} />
          ))}
        </div>
      </Dialog>
    </nav>
  );
}
