/** What concerns the person who is signed in, from the record's last days and from what happens now. */
import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { identity } from "@/api/auth";
import { api, type Schema, take } from "@/api/client";
import { eventOf } from "@/api/events";
import { useMay, useSignedIn } from "@/app/useAuth";
import { onOrgEvent } from "@/app/useOrgEvents";
import { pendingQuery } from "@/features/approvals/api/approvals";
import { mayAnswer } from "@/features/approvals/model/show";
import { useDirectory } from "@/features/directory/api/directory";
import { nodesQuery } from "@/features/nodes/api/nodes";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { budgetNotices, HEARD, type Heard, type Notice, noticesOf, together } from "../model/notices";
import { allRead, isRead, type ReadState, readStateOf, withRead } from "../model/read";

const DAYS_MS = 7 * 86_400_000;
const OF_A_KIND = 100;
/** More than anybody reads; what is older has gone by. */
const MOST = 500;

function heardOf(value: unknown): Heard[] {
  const event = eventOf(value);
  const { subject } = (value ?? {}) as { subject?: unknown };
  return event ? [{ event, subject: typeof subject === "string" ? subject : "" }] : [];
}

export const heardQuery = (me: string) =>
  queryOptions({
    queryKey: ["notifications", me],
    queryFn: async () => {
      const from = new Date(Date.now() - DAYS_MS).toISOString();
      const pages = await Promise.all(
        HEARD.map(async ({ kind, mine }) => {
          const query = {
            kind,
            from,
            order: "desc" as const,
            limit: OF_A_KIND,
            ...(mine ? { actor: me } : {}),
          };
          // The same address is a stream for whoever accepts one.
          return (await take(api.GET("/v1/audit/events", { params: { query } }))) as Schema<"Page_EventView">;
        }),
      );
      return pages.flatMap((page) => page.items.flatMap((it) => heardOf(it.event)));
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What was heard since; apart, because an answer that was under way meanwhile must not take its place. */
const liveQuery = (me: string) =>
  queryOptions({
    queryKey: ["heard-live", me],
    queryFn: (): Heard[] => [],
    initialData: [] as Heard[],
    staleTime: "static",
    gcTime: Number.POSITIVE_INFINITY,
  });

const budgetsQuery = queryOptions({
  queryKey: ["budgets", "spent"],
  queryFn: () => take(api.GET("/v1/budgets", { params: { query: { limit: 200 } } })).then((it) => it.items),
});

/** Spending is looked at again so long after it happened, once for all of it. */
const SPENDING_MS = 15_000;

/** Adds what the organisation's stream says to what is known. */
export function useHearing() {
  const queries = useQueryClient();
  const { user } = useSignedIn();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onOrgEvent((value) => {
      const heard = heardOf(value);
      const kind = heard[0]?.event.kind ?? "";
      if (kind === "usage.metered") {
        timer ??= setTimeout(() => {
          timer = undefined;
          void queries.invalidateQueries({ queryKey: budgetsQuery.queryKey });
        }, SPENDING_MS);
      }
      if (!HEARD.some((it) => it.kind === kind)) return;
      queries.setQueryData(liveQuery(user.id).queryKey, (all) => [...heard, ...(all ?? [])].slice(0, MOST));
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [queries, user.id]);
}

/** Everything that concerns me, what waits first, then the newest. */
export function useNotices(): Notice[] {
  const { user } = useSignedIn();
  const isMember = useMay("member");
  const isAdmin = useMay("admin");
  const directory = useDirectory();
  const heard = useQuery(heardQuery(user.id)).data;
  const live = useQuery(liveQuery(user.id)).data;
  const pending = useQuery(pendingQuery).data?.items;
  const budgets = useQuery({ ...budgetsQuery, enabled: isMember }).data;
  const nodes = useQuery({ ...nodesQuery, enabled: isAdmin }).data;
  const today = new Date(useMinute()).toISOString().slice(0, 10);
  return useMemo(() => {
    const waiting = (pending ?? [])
      .filter((it) => mayAnswer(it, { userId: user.id, isMember }) === "yes")
      .map(
        (it): Notice => ({
          id: `approval:${it.id}`,
          kind: "approval",
          at: it.created_at,
          title: t.notifications.of.approval(directory.name(it.agent_id)),
          detail: it.tool,
          href: `/inbox/${it.id}`,
          about: [it.id],
        }),
      );
    const name = (id: string | undefined) => nodes?.find((it) => it.id === id)?.name ?? directory.name(id);
    const concerning = together(heard ?? [], live).filter(
      (it) => isAdmin || !it.event.kind.startsWith("node."),
    );
    // Admins answer for all budgets, others for the organisation's and their own.
    const mine = (budgets ?? []).filter((it) => isAdmin || it.scope === "org" || it.scope === user.id);
    const scope = (it: string) => (it === "org" ? t.notifications.organisation : directory.name(it));
    return [
      ...waiting,
      ...budgetNotices(mine, Date.parse(today), scope),
      ...noticesOf(concerning, user.id, name),
    ];
  }, [heard, live, pending, budgets, nodes, directory, user.id, isMember, isAdmin, today]);
}

const keyOf = () => `chancery.read.${identity()}`;
const listeners = new Set<() => void>();
let cached: { kept: string | null; key: string; state: ReadState } | undefined;

function readState(): ReadState {
  const key = keyOf();
  const kept = localStorage.getItem(key);
  if (cached?.key !== key || cached.kept !== kept) {
    const state = readStateOf(kept, Date.now());
    if (kept === null) localStorage.setItem(key, JSON.stringify(state));
    cached = { key, kept: localStorage.getItem(key), state };
  }
  return cached.state;
}

function write(state: ReadState) {
  localStorage.setItem(keyOf(), JSON.stringify(state));
  for (const listener of listeners) listener();
}

export const markRead = (ids: readonly string[]) => ids.length > 0 && write(withRead(readState(), ids));
export const markAllRead = (notices: readonly Notice[]) => write(allRead(readState(), notices, Date.now()));

function subscribe(listener: () => void) {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

/** The notices, each with whether it is unread. */
export function useUnread(): { notice: Notice; isUnread: boolean }[] {
  const notices = useNotices();
  const state = useSyncExternalStore(subscribe, readState);
  return useMemo(
    () => notices.map((notice) => ({ notice, isUnread: !isRead(notice, state) })),
    [notices, state],
  );
}

export const useUnreadCount = () => useUnread().filter((it) => it.isUnread).length;
