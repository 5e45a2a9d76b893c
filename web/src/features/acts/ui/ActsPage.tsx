import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Bot, Building2, Coins, History, KeyRound, type LucideIcon, Scale, Users } from "lucide-react";
import { useMemo, useRef } from "react";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { useDirectory } from "@/features/directory/api/directory";
import { keysQuery } from "@/features/keys/api/keys";
import { invitationsQuery } from "@/features/members/api/members";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Select } from "@/ui/Select";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Act, type ActFilter, actsQuery } from "../api/acts";
import { ACT_GROUPS, type ActGroup, type ActKind, groupOf } from "../model/kinds";
import { byDay, type Names, saying } from "../model/say";

const s = t.acts;
const icons: Record<ActGroup, LucideIcon> = {
  people: Users,
  keys: KeyRound,
  policies: Scale,
  build: Bot,
  models: Coins,
  organisation: Building2,
};

export function ActsPage() {
  const filter = useSearch({ from: "/signed-in/shell/settings/activity" });
  const navigate = useNavigate();
  const acts = useInfiniteQuery(actsQuery(filter));
  const names = useNames();
  const now = useMinute();
  const list = useRef<HTMLDivElement>(null);
  useRowKeys(list);
  const setFilter = (next: ActFilter) => void navigate({ to: "/settings/activity", search: next });
  const items = acts.data?.pages.flatMap((page) => page.items) ?? [];
  const days = byDay(items, now);
  return (
    <>
      <SettingsHeader
        title={s.title}
        detail={s.detail}
        actions={
          <Link to="/record" className={buttonClass()}>
            {s.inRecord}
          </Link>
        }
      >
        <Filters filter={filter} onChange={setFilter} />
      </SettingsHeader>
      {acts.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {acts.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={acts.error} onRetry={() => void acts.refetch()} />
        </div>
      )}
      {acts.isSuccess && items.length === 0 && (
        <Empty icon={History} title={s.emptyTitle}>
          {s.empty}
        </Empty>
      )}
      <div ref={list}>
        {days.map(([day, ofDay]) => (
          <section key={day} aria-label={day}>
            <h2 className="sticky top-0 border-b bg-sunken px-4 py-1.5 text-xs font-medium text-muted md:px-6">
              {day}
            </h2>
            <ol aria-label={`${s.listLabel}: ${day}`}>
              {ofDay.map((it) => (
                <Row key={it.seq} act={it} names={names} />
              ))}
            </ol>
          </section>
        ))}
      </div>
      {acts.hasNextPage && (
        <div className="flex justify-center p-4">
          <Button busy={acts.isFetchingNextPage} onClick={() => void acts.fetchNextPage()}>
            {t.common.loadMore}
          </Button>
        </div>
      )}
    </>
  );
}

function Filters({ filter, onChange }: { filter: ActFilter; onChange(next: ActFilter): void }) {
  const { members } = useDirectory();
  const { group, who } = filter;
  const set = (next: { group?: string | undefined; who?: string | undefined }) => {
    const all = { group, who, ...next };
    const kept = Object.entries(all).filter(([, value]) => value !== undefined && value !== "");
    onChange(Object.fromEntries(kept));
  };
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Select
        label={s.filters.group}
        value={group ?? ""}
        onChange={(value) => set({ group: value })}
        options={[
          { value: "", name: s.filters.anyGroup },
          ...ACT_GROUPS.map((it) => ({ value: it, name: s.groups[it] })),
        ]}
      />
      <Select
        label={s.filters.who}
        value={who ?? ""}
        onChange={(value) => set({ who: value })}
        options={[
          { value: "", name: s.filters.anybody },
          ...members.map((it) => ({ value: it.user_id, name: it.name })),
        ]}
      />
      {(group || who) && (
        <Button look="ghost" onClick={() => onChange({})}>
          {s.clear}
        </Button>
      )}
    </div>
  );
}

/** People and agents by the directory, keys and open invitations as far as one may see them. */
function useNames(): Names {
  const directory = useDirectory();
  const keys = useInfiniteQuery({ ...keysQuery, enabled: useMay("member") }).data;
  const invitations = useQuery({ ...invitationsQuery, enabled: useMay("admin") }).data;
  return useMemo(() => {
    const others = new Map<string, string>();
    for (const page of keys?.pages ?? []) for (const it of page.items) others.set(it.id, `“${it.name}”`);
    for (const it of invitations ?? []) others.set(it.id, it.email);
    return { of: directory.name, other: (id) => others.get(id) };
  }, [directory, keys, invitations]);
}

function Row({ act, names }: { act: Act; names: Names }) {
  const { actor, at, kind } = act.event;
  const Icon = icons[groupOf(kind as ActKind)];
  return (
    <li className="border-b">
      <Link
        to="/record/$seq"
        params={{ seq: String(act.seq) }}
        data-row={act.seq}
        className="flex items-start gap-3 px-4 py-2.5 text-sm outline-offset-[-2px] hover:bg-hover/60 md:px-6"
      >
        <Icon aria-hidden className="mt-0.5 size-4 shrink-0 text-muted" />
        <span className="min-w-0 flex-1 break-words">
          <span className="font-medium">{actor.user ? names.of(actor.user) : s.system}</span>{" "}
          {saying(act.event, act.subject, names)}
          {actor.key && <span className="text-muted"> {s.withKey}</span>}
        </span>
        <Time at={at} className="shrink-0 text-xs text-muted" />
      </Link>
    </li>
  );
}
