/** What is allowed, and what was done. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { SINCE } from "@/features/record/model/filter";
import { oneOf, shell, some, text } from "./base";

const record = createRoute({
  getParentRoute: () => shell,
  path: "/record",
  validateSearch: (search) =>
    some({
      kind: text(search.kind),
      actor: text(search.actor),
      tool: text(search.tool),
      run: text(search.run),
      since: oneOf(SINCE, search.since),
    }),
  component: lazyRouteComponent(() => import("@/features/record/ui/RecordPage"), "RecordPage"),
});

const verifyRecord = createRoute({
  getParentRoute: () => shell,
  path: "/record/verify",
  component: lazyRouteComponent(() => import("@/features/record/ui/VerifyPage"), "VerifyPage"),
});

const recordEvent = createRoute({
  getParentRoute: () => shell,
  path: "/record/$seq",
  component: lazyRouteComponent(() => import("@/features/record/ui/EventPage"), "EventPage"),
});

const policies = createRoute({
  getParentRoute: () => shell,
  path: "/policies",
  validateSearch: (search) => some({ add: search.add === true || undefined }),
  component: lazyRouteComponent(() => import("@/features/policies/ui/PoliciesPage"), "PoliciesPage"),
});

const policy = createRoute({
  getParentRoute: () => shell,
  path: "/policies/$name",
  component: lazyRouteComponent(() => import("@/features/policies/ui/PolicyPage"), "PolicyPage"),
});

export const governRoutes = [record, verifyRecord, recordEvent, policies, policy] as const;
