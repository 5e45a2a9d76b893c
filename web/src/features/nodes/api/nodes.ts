/** Nodes: the machines that run what is not ours. */
import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";
import { whole } from "@/lib/pages";

export type Node = Schema<"NodeView">;

/** When a node was last alive changes without an event of the record. */
const LOOK_AGAIN_MS = 15_000;

/** Those that may work for the organisation: its own and the installation's, without revoked ones. */
export const nodesQuery = queryOptions({
  queryKey: ["nodes"],
  queryFn: () => whole((query) => take(api.GET("/v1/nodes", { params: { query } }))),
  refetchInterval: LOOK_AGAIN_MS,
});

export const nodeQuery = (id: string) =>
  queryOptions({
    queryKey: ["nodes", "one", id],
    queryFn: () => take(api.GET("/v1/nodes/{node_id}", { params: { path: { node_id: id } } })),
    refetchInterval: LOOK_AGAIN_MS,
  });

/** A node that somebody waits for. */
export const arrivingQuery = (id: string) => queryOptions({ ...nodeQuery(id), refetchInterval: 1500 });

/**
 * Adds a node. Its credential is in the answer and nowhere else: neither in the cache of queries nor, once
 * the dialog is closed, in that of mutations.
 */
export function useEnrol() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => take(api.POST("/v1/nodes", { body: { name } })),
    gcTime: 0,
    onSuccess: () => void queries.invalidateQueries({ queryKey: ["nodes"] }),
  });
}

export function useRevoke() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      take(api.DELETE("/v1/nodes/{node_id}", { params: { path: { node_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["nodes"] }),
  });
}
