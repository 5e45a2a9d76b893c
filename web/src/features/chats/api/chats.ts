/** What chats ask of the server. Lists have keys that begin with `sessions`, one chat with `session`. */
import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { isOpen } from "@/features/runs/model/run";
import { t } from "@/strings";
import type { Sending } from "../model/drafts";

export type Session = Schema<"SessionView">;
export type Message = Schema<"MessageView">;
export type Shelf = "active" | "archived";

export const sessionsQuery = (shelf: Shelf) =>
  infiniteQueryOptions({
    queryKey: ["sessions", shelf],
    queryFn: ({ pageParam }) => {
      const status = shelf === "archived" ? { status: "archived" as const } : {};
      const query = { limit: 50, ...status, ...(pageParam ? { cursor: pageParam } : {}) };
      return take(api.GET("/v1/sessions", { params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const searchQuery = (words: string) =>
  queryOptions({
    queryKey: ["sessions", "search", words],
    queryFn: () => take(api.GET("/v1/search/messages", { params: { query: { q: words, limit: 30 } } })),
    staleTime: 10_000,
  });

export const sessionQuery = (id: string) =>
  queryOptions({
    queryKey: ["session", id],
    queryFn: () => take(api.GET("/v1/sessions/{session_id}", { params: { path: { session_id: id } } })),
  });

/** The messages of the current branch, the newest page first; each page newest first too. */
export const messagesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["session", id, "messages"],
    queryFn: ({ pageParam }) => {
      const query = { limit: 50, order: "desc" as const, ...(pageParam ? { cursor: pageParam } : {}) };
      return take(
        api.GET("/v1/sessions/{session_id}/messages", { params: { path: { session_id: id }, query } }),
      );
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

/** The runs of a chat that are not over, the oldest first: the order in which they answer. */
export const openRunsQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", "of-session", id],
    queryFn: async () => {
      const page = await take(api.GET("/v1/runs", { params: { query: { session_id: id, limit: 50 } } }));
      return page.items.filter((it) => it.kind === "agent_turn" && !it.parent_run_id && isOpen(it)).reverse();
    },
  });

export const chatMembersQuery = (id: string) =>
  queryOptions({
    queryKey: ["session", id, "members"],
    queryFn: () =>
      take(api.GET("/v1/sessions/{session_id}/members", { params: { path: { session_id: id } } })),
  });

/** Where the record stands, for a stream that is to begin now and miss nothing. */
export async function recordSize(): Promise<number> {
  const { data } = await api.GET("/v1/audit/checkpoint");
  return data?.size ?? 0;
}

export function useCreateChat() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Schema<"NewSessionBody">) => take(api.POST("/v1/sessions", { body })),
    onSuccess: (session) => {
      queries.setQueryData(sessionQuery(session.id).queryKey, session);
      void queries.invalidateQueries({ queryKey: ["sessions"] });
    },
  });
}

export function usePost(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ text: content, files, onBusy, key }: Sending) => {
      const params = { path: { session_id: id } };
      const headers = { "idempotency-key": key };
      if (onBusy === "steer")
        return take(api.POST("/v1/sessions/{session_id}/steer", { params, headers, body: { content } }));
      const attachments = files.map((it) => it.id);
      const body = { content, on_busy: onBusy, ...(attachments.length > 0 ? { attachments } : {}) };
      return take(api.POST("/v1/sessions/{session_id}/messages", { params, headers, body }));
    },
    onSettled: () => refreshChat(queries, id),
  });
}

/** Makes a chat's messages and runs old; ends when what is on the page has been read again. */
export const refreshChat = (queries: ReturnType<typeof useQueryClient>, id: string) =>
  Promise.all([
    queries.invalidateQueries({ queryKey: ["runs", "of-session", id] }),
    queries.invalidateQueries({ queryKey: ["session", id] }),
  ]);

/** Makes what is known of a chat itself old, but not its messages: those of an archived one can't be read. */
export const refreshSession = (queries: ReturnType<typeof useQueryClient>, id: string) =>
  queries.invalidateQueries({ queryKey: ["session", id], exact: true });

/** `failed` is said where nothing on the page says it. */
function useOnChat<Input, Output>(
  id: string,
  mutationFn: (input: Input) => Promise<Output>,
  failed?: string,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn,
    meta: { failed },
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      return refreshChat(queries, id);
    },
  });
}

const at = (session_id: string) => ({ params: { path: { session_id } } });

export const useChangeChat = (id: string) =>
  useOnChat(id, (body: Schema<"SessionChangeBody">) =>
    take(api.PATCH("/v1/sessions/{session_id}", { ...at(id), body })),
  );

export function useArchive(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.POST("/v1/sessions/{session_id}/archive", at(id))),
    meta: { failed: t.chats.archiveFailed },
    onSuccess: (session) => queries.setQueryData(sessionQuery(id).queryKey, session),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["sessions"] });
      return refreshSession(queries, id);
    },
  });
}

export const useRestore = (id: string) =>
  useOnChat(id, () => take(api.POST("/v1/sessions/{session_id}/restore", at(id))));

export const useEdit = (id: string) =>
  useOnChat(id, ({ message, content }: { message: string; content: string }) =>
    take(
      api.POST("/v1/messages/{message_id}/edit", {
        params: { path: { message_id: message } },
        body: { content },
      }),
    ),
  );

export const useRegenerate = (id: string) =>
  useOnChat(
    id,
    (message_id: string) =>
      take(api.POST("/v1/messages/{message_id}/regenerate", { params: { path: { message_id } }, body: {} })),
    t.chats.regenerateFailed,
  );

/** Goes on with the alternative before or after a message. */
export const useOtherBranch = (id: string) =>
  useOnChat(
    id,
    async ({ message, by }: { message: string; by: 1 | -1 }) => {
      const query = { siblings_of: message, limit: 200 };
      const { items } = await take(
        api.GET("/v1/sessions/{session_id}/messages", { params: { path: { session_id: id }, query } }),
      );
      const next = items[items.findIndex((it) => it.id === message) + by];
      if (!next) return undefined;
      return take(api.PUT("/v1/sessions/{session_id}/branch", { ...at(id), body: { message_id: next.id } }));
    },
    t.chats.branchFailed,
  );

export const useReact = (id: string) =>
  useOnChat(
    id,
    ({ message, emoji, isOn }: { message: string; emoji: string; isOn: boolean }) => {
      const params = { path: { message_id: message, emoji } };
      return isOn
        ? take(api.PUT("/v1/messages/{message_id}/reactions/{emoji}", { params }))
        : take(api.DELETE("/v1/messages/{message_id}/reactions/{emoji}", { params }));
    },
    t.chats.reactFailed,
  );

export const useSetPerson = (id: string) =>
  useOnChat(id, ({ user_id, isIn }: { user_id: string; isIn: boolean }) =>
    isIn
      ? take(api.POST("/v1/sessions/{session_id}/members", { ...at(id), body: { user_id } }))
      : take(
          api.DELETE("/v1/sessions/{session_id}/members/{user_id}", {
            params: { path: { session_id: id, user_id } },
          }),
        ),
  );

export const useCancel = (id: string) =>
  useOnChat(
    id,
    (run: string) => take(api.POST("/v1/runs/{id}/cancel", { params: { path: { id: run } } })),
    t.chats.stopFailed,
  );

export const tellTyping = (id: string) =>
  void api.POST("/v1/sessions/{session_id}/typing", at(id)).catch(() => undefined);

export const tellRead = (id: string, position: number) =>
  void api.PUT("/v1/sessions/{session_id}/read", { ...at(id), body: { position } }).catch(() => undefined);
