import { Outlet, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { t } from "@/strings";
import { toast } from "@/ui/toast";
import { useAuth } from "./useAuth";

/** Pages for who is signed in. Whoever's sign-in ends signs in again, and comes back to where they were. */
export function SignedIn() {
  const auth = useAuth();
  const router = useRouter();
  useEffect(() => {
    if (auth.status !== "out") return;
    const { href } = router.state.location;
    const next = auth.byChoice || href === "/" ? undefined : href;
    void router.navigate({ to: "/sign-in", search: next ? { next } : {} });
    if (next && !document.hidden) toast({ tone: "info", title: t.shell.sessionEnded });
  }, [auth, router]);
  return auth.status === "in" ? <Outlet /> : null;
}
