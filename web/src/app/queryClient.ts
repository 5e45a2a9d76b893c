import { QueryClient } from "@tanstack/react-query";
import { currentAuth, subscribeAuth } from "@/api/auth";
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

/** Whose data is kept: one person's, in one organisation. */
function scope() {
  const auth = currentAuth();
  return auth.status === "in" ? `${auth.user.id} ${auth.org?.id}` : "";
}

// Before anything is shown to somebody else, or in another organisation. This module is loaded before any
// component listens, so this listener is the first one.
let kept = scope();
subscribeAuth(() => {
  if (scope() === kept) return;
  kept = scope();
  queryClient.clear();
});
