import { Link, Outlet } from "@tanstack/react-router";
import { t } from "@/strings";
import { type Place, places } from "../model/places";

const s = t.settings;
const groups = ["org", "you"] as const;

/** The settings' own list beside each of their pages; where there is no room for it, the first page has it. */
export function SettingsLayout() {
  return (
    <div className="flex min-w-0 flex-1">
      <nav
        aria-label={s.title}
        className="sticky top-0 hidden h-dvh w-52 shrink-0 flex-col gap-4 overflow-y-auto border-r p-3 lg:flex"
      >
        <Link to="/settings" className="px-2 pt-1.5 text-lg leading-7 font-semibold">
          {s.title}
        </Link>
        {groups.map((group) => (
          <div key={group} className="flex flex-col gap-px">
            <p className="px-2 pb-1 text-xs text-muted">{s.groups[group]}</p>
            {places
              .filter((it) => it.group === group)
              .map((it) => (
                <PlaceLink key={it.to} place={it} />
              ))}
          </div>
        ))}
      </nav>
      <div className="flex min-w-0 flex-1 flex-col">
        <Outlet />
      </div>
    </div>
  );
}

function PlaceLink({ place: { to, name, icon: Icon } }: { place: Place }) {
  return (
    <Link
      to={to}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-sm font-medium text-muted transition-colors hover:bg-hover hover:text-text data-[status=active]:bg-hover data-[status=active]:text-text"
    >
      <Icon aria-hidden className="size-4 shrink-0" />
      <span className="min-w-0 flex-1 truncate">{name}</span>
    </Link>
  );
}
