/** Runs and their steps, as chats and the first steps look at them. */
import { queryOptions } from "@tanstack/react-query";
import { api, type Schema, take } from "@/api/client";

export type Run = Schema<"RunView">;
export type Step = Schema<"StepView">;

const OVER = new Set(["succeeded", "failed", "cancelled"]);
export const isOver = (run: Pick<Run, "state">) => OVER.has(run.state);

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", id],
    queryFn: () => take(api.GET("/v1/runs/{id}", { params: { path: { id } } })),
  });

export const stepsQuery = (id: string) =>
  queryOptions({
    queryKey: ["runs", id, "steps"],
    queryFn: async () => {
      const query = { limit: 200 };
      const page = await take(api.GET("/v1/runs/{id}/steps", { params: { path: { id }, query } }));
      return page.items;
    },
  });
