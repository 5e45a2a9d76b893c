/** Runs, their steps and events, as the pages ask for them. */
import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { api, type Schema, take } from "@/api/client";
import { dataOf, eventOf, merged, type RecordEvent, reachEnd } from "@/api/events";
import { openStream } from "@/api/stream";
import { reporter } from "@/app/connection";

export type Run = Schema<"RunView">;
export type Step = Schema<"StepView">;

export interface RunFilter {
  state?: string;
  agent?: string;
  session?: string;
}

const PAGE = 50;

export const runsQuery = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ["runs", "list", filter],
    queryFn: ({ pageParam }) =>
      take(
        api.GET("/v1/runs", {
          params: {
            query: {
              limit: PAGE,
              ...(filter.state ? { state: filter.state } : {}),
              ...(filter.agent ? { agent_id: filter.agent } : {}),
              ...(filter.session ? { session_id: filter.session } : {}),
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", "one", id],
    queryFn: () => take(api.GET("/v1/runs/{id}", { params: { path: { id } } })),
  });

export const childrenQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", "children", id],
    queryFn: () => take(api.GET("/v1/runs", { params: { query: { parent_run_id: id, limit: 50 } } })),
  });

/** All steps of a run, without the arguments of questions to models, which repeat everything. */
export const stepsQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", "steps", id],
    queryFn: async () => {
      const steps: Step[] = [];
      let cursor: string | undefined;
      do {
        const query = { limit: 200, ...(cursor ? { cursor } : {}) };
        const page = await take(api.GET("/v1/runs/{id}/steps", { params: { path: { id }, query } }));
        steps.push(...page.items);
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      return steps;
    },
  });

export const stepQuery = (id: string, step: number) =>
  queryOptions({
    queryKey: ["runs", "steps", id, step],
    queryFn: () => take(api.GET("/v1/runs/{id}/steps/{step}", { params: { path: { id, step } } })),
  });

const eventsKey = (id: string) => ["run-events", id];

/**
 * Everything that the record says of a run so far. The stream adds to it too, so a reading goes on behind
 * what is known, and takes nothing away.
 */
export const eventsQuery = (id: string) =>
  queryOptions({
    queryKey: eventsKey(id),
    queryFn: async ({ client }) => {
      const events = [...(client.getQueryData<RecordEvent[]>(eventsKey(id)) ?? [])];
      const after = events.at(-1)?.seq ?? 0;
      let cursor: string | undefined;
      do {
        const query = { limit: 200, ...(cursor ? { cursor } : { after }) };
        const answer = api.GET("/v1/runs/{id}/events", { params: { path: { id }, query } });
        // The same address is a stream for whoever accepts one.
        const page = (await take(answer)) as Schema<"Page_EventView">;
        for (const item of page.items) {
          const event = eventOf(item.event);
          if (event) events.push(event);
        }
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
      return events;
    },
    structuralSharing: (known, read) =>
      merged((known as RecordEvent[] | undefined) ?? [], read as RecordEvent[]),
    staleTime: ({ state }) => (reachEnd(state.data ?? []) ? Number.POSITIVE_INFINITY : 0),
  });

const GATHER_MS = 80;

/** Follows a run to its end: each event at once, and what is asked for again soon after. */
export function useRunTail(id: string, isOpen: boolean) {
  const queries = useQueryClient();
  const events = useQuery(eventsQuery(id));
  const isRead = events.isSuccess;
  // The run may be known to be over before its last events have come.
  const isFollowed = isOpen || !reachEnd(events.data ?? []);
  useEffect(() => {
    if (!isFollowed || !isRead) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      timer = undefined;
      for (const kind of ["one", "steps", "children"])
        void queries.invalidateQueries({ queryKey: ["runs", kind, id] });
    };
    const known = queries.getQueryData<RecordEvent[]>(eventsKey(id)) ?? [];
    const report = reporter();
    const close = openStream({
      path: `/v1/runs/${encodeURIComponent(id)}/events`,
      after: String(known.at(-1)?.seq ?? 0),
      onState: report.report,
      onFrame(frame) {
        const event = eventOf(dataOf(frame));
        if (!event) return;
        // What is set is joined with what is known: see `structuralSharing`.
        queries.setQueryData<RecordEvent[]>(eventsKey(id), [event]);
        timer ??= setTimeout(look, GATHER_MS);
      },
    });
    return () => {
      close();
      report.end();
      if (timer) {
        clearTimeout(timer);
        look();
      }
    };
  }, [id, isFollowed, isRead, queries]);
}

export function useCancelRun() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => take(api.POST("/v1/runs/{id}/cancel", { params: { path: { id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["runs"] }),
  });
}

export function useResolveRun() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ id, decision }: { id: string; decision: Schema<"DecisionKind"> }) =>
      take(api.POST("/v1/runs/{id}/resolve", { params: { path: { id } }, body: { decision } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["runs"] }),
  });
}

/** What a replay answers with: its report, or the run that is still asking a model. */
export type Replayed = { report: unknown } | { run: Run };

export const useReplay = () =>
  useMutation({
    mutationFn: async ({
      id,
      changes,
    }: {
      id: string;
      changes?: Schema<"ChangesBody">;
    }): Promise<Replayed> => {
      const body = changes ? { changes } : {};
      const answer = api.POST("/v1/runs/{id}/replay", { params: { path: { id } }, body });
      const data = await take(answer);
      const { response } = await answer;
      return response.status === 202 ? { run: data as Run } : { report: data };
    },
  });

/** The names of chats, for rows that are about one. */
export const sessionTitlesQuery = queryOptions({
  queryKey: ["sessions", "titles"],
  queryFn: async () => {
    const page = await take(api.GET("/v1/sessions", { params: { query: { limit: 200 } } }));
    return new Map(page.items.map((it) => [it.id, it.title ?? ""]));
  },
  staleTime: 60_000,
});

export const sessionTitleQuery = (id: string) =>
  queryOptions({
    queryKey: ["sessions", "title", id],
    queryFn: () =>
      take(api.GET("/v1/sessions/{session_id}", { params: { path: { session_id: id } } })).then(
        (it) => it.title ?? "",
      ),
    staleTime: 60_000,
  });

export const profilesQuery = queryOptions({
  queryKey: ["model-profiles"],
  queryFn: () => take(api.GET("/v1/model-profiles", { params: { query: { limit: 200 } } })),
});
