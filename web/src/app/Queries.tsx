import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { queryClient } from "./queryClient";
import { useAuth } from "./useAuth";

/** Hands down what is known to who is signed in. */
export function Queries({ children }: { children: ReactNode }) {
  useAuth();
  return <QueryClientProvider client={queryClient()}>{children}</QueryClientProvider>;
}
