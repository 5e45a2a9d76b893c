/** What models were used for: sums by day and by who and what. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, authorisedFetch, type Schema, take } from "@/api/client";
import { ApiError, problemOf } from "@/api/problem";
import { whole } from "@/lib/pages";
import { save } from "@/lib/save";
import type { Range } from "../model/range";
import type { Dimension } from "../model/series";

export type Grouping = "day" | Dimension;

/** More rows than any chart has room for. */
const ROWS_MAX = 20_000;

/** Sums of some days, by what they are to be told apart by. A call is counted within a second of its end. */
export const usageQuery = (range: Range, groupBy: readonly Grouping[]) =>
  queryOptions({
    queryKey: ["usage", range.from, range.to, groupBy.join(",")],
    queryFn: () =>
      whole(async (page) => {
        const query = { ...range, group_by: groupBy.join(","), ...page };
        // The same address is a file for whoever accepts one.
        return (await take(api.GET("/v1/usage", { params: { query } }))) as Schema<"Page_UsageView">;
      }, ROWS_MAX),
    refetchInterval: 20_000,
    placeholderData: keepPreviousData,
  });

/** How long calls took, by the hour or by the day. */
export const latencyQuery = (range: Range, step: "hour" | "day") =>
  queryOptions({
    queryKey: ["usage", "latency", range.from, range.to, step],
    queryFn: () =>
      take(api.GET("/v1/usage/latency", { params: { query: { ...range, step } } })).then((it) => it.items),
    refetchInterval: 20_000,
    placeholderData: keepPreviousData,
  });

/** Hands the rows to the person as the server's own file. */
export async function downloadUsage(range: Range, groupBy: readonly Grouping[]) {
  const address = new URL("/v1/usage", location.origin);
  address.search = String(new URLSearchParams({ ...range, group_by: groupBy.join(","), format: "csv" }));
  const response = await authorisedFetch(new Request(address));
  if (!response.ok)
    throw new ApiError(problemOf(response.status, await response.json().catch(() => undefined)));
  save(await response.blob(), `usage ${range.from} ${range.to} by ${groupBy.join(" ")}.csv`);
}
