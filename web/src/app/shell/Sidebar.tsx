import { Search } from "lucide-react";
import { t } from "@/strings";
import { Kbd } from "@/ui/Kbd";
import { nav } from "../nav";
import { NavLink } from "./NavLink";
import { OrgMenu } from "./OrgMenu";
import { UserMenu } from "./UserMenu";

const groups = ["work", "govern", "build", "settings"] as const;

export function Sidebar({ onSearch, onKeys }: { onSearch(): void; onKeys(): void }) {
  return (
    <aside className="sticky top-0 hidden h-dvh w-58 shrink-0 flex-col gap-1 border-r bg-sunken p-2.5 md:flex">
      <OrgMenu />
      <button
        type="button"
        onClick={onSearch}
        className="mt-1 mb-2 flex h-8 items-center gap-2 rounded-md border bg-surface px-2.5 text-left text-sm text-muted shadow-sm hover:bg-hover"
      >
        <Search aria-hidden className="size-4 shrink-0" />
        <span className="min-w-0 flex-1 truncate">{t.shell.search}</span>
        <Kbd keys="mod+k" />
      </button>
      <nav aria-label={t.shell.nav} className="flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto">
        {groups.map((group) => {
          const entries = nav.filter((it) => it.group === group);
          if (entries.length === 0) return null;
          return (
            <div key={group} className="flex flex-col gap-px">
              {group !== "work" && entries.length > 1 && (
                <p className="px-2 pb-1 text-xs text-muted">{t.shell.groups[group]}</p>
              )}
              {entries.map((entry) => (
                <NavLink key={entry.to} entry={entry} />
              ))}
            </div>
          );
        })}
      </nav>
      <UserMenu onKeys={onKeys} />
    </aside>
  );
}
