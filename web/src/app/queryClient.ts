import { MutationCache, QueryClient } from "@tanstack/react-query";
import { identity } from "@/api/auth";
import { ApiError, Unreachable } from "@/api/problem";
import { toastFailure } from "@/ui/failure";

declare module "@tanstack/react-query" {
  interface Register {
    /** `failed`: what a message says if it fails. For what has no form or dialog to say it in. */
    mutationMeta: { failed?: string | undefined };
  }
}

function isWorthRepeating(failures: number, error: Error): boolean {
  if (failures >= 2) return false;
  if (error instanceof Unreachable) return true;
  return error instanceof ApiError && error.problem.retryable;
}

const make = () =>
  new QueryClient({
    mutationCache: new MutationCache({
      onError: (error, _variables, _result, { meta }) => meta?.failed && toastFailure(meta.failed, error),
    }),
    defaultOptions: {
      // The browser's guess whether it is online holds nothing back: a server at home is there without it.
      queries: {
        staleTime: 20_000,
        gcTime: 10 * 60_000,
        retry: isWorthRepeating,
        networkMode: "always",
        refetchOnReconnect: true,
      },
      mutations: { networkMode: "always" },
    },
  });

let kept = { of: identity(), client: make() };

/**
 * What is known to the person who is signed in, in their organisation. Somebody else, or another
 * organisation, begins with nothing, and what was asked before and is answered late comes to nobody's sight.
 */
export function queryClient(): QueryClient {
  if (kept.of !== identity()) kept = { of: identity(), client: make() };
  return kept.client;
}
