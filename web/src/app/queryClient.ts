import { QueryClient } from "@tanstack/react-query";
import { ApiError, Unreachable } from "@/api/problem";

function isWorthRepeating(failures: number, error: Error): boolean {
  if (failures >= 2) return false;
  if (error instanceof Unreachable) return true;
  return error instanceof ApiError && error.problem.retryable;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 20_000, gcTime: 10 * 60_000, retry: isWorthRepeating },
    mutations: { networkMode: "always" },
  },
});
