/** The record: its events, proofs and checkpoints, and exports of it. */
import { infiniteQueryOptions, queryOptions, useMutation } from "@tanstack/react-query";
import { currentOrgId } from "@/api/auth";
import { api, authorisedFetch, type Schema, take } from "@/api/client";
import { ApiError, problemOf } from "@/api/problem";
import { save } from "@/lib/save";
import { type RecordFilter, sinceOf } from "../model/filter";
import { verificationOf } from "../model/report";
import { type Kept, linesOf, type Verified, verifyExport } from "../model/verify";

export type Sealed = Schema<"Page_EventView">["items"][number];

const PAGE = 50;

const events = async (query: Record<string, string | number>) =>
  // The same address is a stream for whoever accepts one.
  (await take(api.GET("/v1/audit/events", { params: { query } }))) as Schema<"Page_EventView">;

export const checkpointQuery = queryOptions({
  queryKey: ["record", "checkpoint"],
  queryFn: () => take(api.GET("/v1/audit/checkpoint", {})),
  staleTime: 5_000,
});

/** The newest events first. */
export const recordQuery = (filter: RecordFilter) =>
  infiniteQueryOptions({
    queryKey: ["record", "list", filter],
    queryFn: ({ pageParam }) => {
      const { since, run, ...rest } = filter;
      return events({
        limit: PAGE,
        order: "desc",
        ...rest,
        ...(run ? { run_id: run } : {}),
        ...(since ? { from: sinceOf(since, Date.now()) } : {}),
        ...(pageParam ? { cursor: pageParam } : {}),
      });
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

export const eventQuery = (seq: number) =>
  queryOptions({
    queryKey: ["record", "event", seq],
    queryFn: async () => {
      const page = await events({ after: seq - 1, limit: 1 });
      return page.items.find((it) => it.seq === seq) ?? null;
    },
  });

/** A checkpoint that covers the event, with the way from the one to the other. */
export const proofQuery = (seq: number) =>
  queryOptions({
    queryKey: ["record", "proof", seq],
    queryFn: async () => {
      const checkpoint = await take(api.GET("/v1/audit/checkpoint", {}));
      if (checkpoint.size < seq) return { checkpoint, proof: undefined };
      const query = { seq, size: checkpoint.size };
      const { proof } = await take(api.GET("/v1/audit/proof", { params: { query } }));
      return { checkpoint, proof };
    },
    refetchInterval: (query) => (query.state.data && !query.state.data.proof ? 1000 : false),
  });

export const kindsQuery = queryOptions({
  queryKey: ["event-kinds"],
  queryFn: () => take(api.GET("/v1/meta/event-kinds", {})).then((it) => it.items),
  staleTime: "static",
});

export const useServerVerify = () =>
  useMutation({
    mutationFn: () => take(api.POST("/v1/audit/verify", {})).then(verificationOf),
  });

async function exported(signal?: AbortSignal): Promise<Response> {
  const address = new URL("/v1/audit/export", location.origin);
  const response = await authorisedFetch(new Request(address, signal ? { signal } : {}));
  if (response.ok) return response;
  throw new ApiError(problemOf(response.status, await response.json().catch(() => undefined)));
}

/** Hands the whole record to the person as a file. */
export async function downloadExport() {
  save(await (await exported()).blob(), "record.ndjson");
}

const key = (orgId: string) => `chancery.record.${orgId}`;

/** What this browser saw of the record when it last verified it. */
function keptOf(orgId: string): Kept | undefined {
  try {
    const it = JSON.parse(localStorage.getItem(key(orgId)) ?? "") as Partial<Kept>;
    return typeof it.vkey === "string" && typeof it.note === "string"
      ? { vkey: it.vkey, note: it.note }
      : undefined;
  } catch {
    return undefined;
  }
}

export const keptQuery = (orgId: string) =>
  queryOptions({ queryKey: ["record", "kept", orgId], queryFn: () => keptOf(orgId) ?? null });

/** Verifies the whole record on this machine, and remembers how it was. */
export async function verifyHere(
  signal: AbortSignal,
  onProgress: (done: number, of: number) => void,
): Promise<Verified> {
  const orgId = currentOrgId() ?? "";
  const kept = keptOf(orgId);
  const { body } = await exported(signal);
  if (!body) throw new Error("the export has no body");
  const verified = await verifyExport(linesOf(body), { org: orgId, kept }, onProgress);
  localStorage.setItem(key(orgId), JSON.stringify({ vkey: verified.key, note: verified.note }));
  return verified;
}
