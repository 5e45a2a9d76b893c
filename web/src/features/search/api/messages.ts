/** What was said, found by the server: it alone can read the messages. */
import { infiniteQueryOptions } from "@tanstack/react-query";
import { api, take } from "@/api/client";

export const messagesFoundQuery = (words: string) =>
  infiniteQueryOptions({
    queryKey: ["sessions", "found", words],
    queryFn: ({ pageParam }) => {
      const query = { q: words, limit: 30, ...(pageParam ? { cursor: pageParam } : {}) };
      return take(api.GET("/v1/search/messages", { params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: 10_000,
  });
