import { useSyncExternalStore } from "react";
import { type Auth, currentAuth, identity, subscribeAuth } from "@/api/auth";

/** Whose data is shown: see `identity`. */
export const useIdentity = (): string => useSyncExternalStore(subscribeAuth, identity);

export const useAuth = (): Auth => useSyncExternalStore(subscribeAuth, currentAuth);

type SignedIn = Extract<Auth, { status: "in" }>;
let last: SignedIn | undefined;

/** Who is signed in, on pages that only they see. Keeps the last one while such a page goes away. */
export function useSignedIn(): SignedIn {
  const auth = useAuth();
  if (auth.status === "in") last = auth;
  if (!last) throw new Error("this page is for somebody who is signed in");
  return last;
}

const ranks = { viewer: 0, member: 1, admin: 2, owner: 3 } as const;

/** Whether the role in this organisation is at least the one that is needed. */
export function useMay(least: keyof typeof ranks): boolean {
  const { org } = useSignedIn();
  return org !== undefined && ranks[org.role] >= ranks[least];
}
