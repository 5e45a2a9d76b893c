/**
 * Every address of the app. A page's code is fetched when it is first gone to; each feature adds its pages
 * below, and its entry in `nav.ts`.
 */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { resume } from "@/api/auth";
import { sessionsQuery } from "@/features/chats/api/chats";
import { SINCE } from "@/features/record/model/filter";
import { REPLAY_MODES, RUN_TABS } from "@/features/runs/model/names";
import { NotFoundPage, PageError, PagePending } from "./pages";
import { queryClient } from "./queryClient";

const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
const whole = (value: unknown) => (Number.isSafeInteger(value) ? (value as number) : undefined);
const oneOf = <T extends string>(names: readonly T[], value: unknown): T | undefined =>
  names.find((it) => it === value);
/** Optional parameters, without those that are not there. */
function some<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

const root = createRootRoute({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search) => some({ next: text(search.next) }),
  beforeLoad: async () => {
    if ((await resume()).status === "in") throw redirect({ to: "/" });
  },
  component: lazyRouteComponent(() => import("@/features/auth/ui/SignInPage"), "SignInPage"),
});

const signUp = createRoute({
  getParentRoute: () => root,
  path: "/sign-up",
  validateSearch: (search) => some({ next: text(search.next) }),
  component: lazyRouteComponent(() => import("@/features/auth/ui/SignUpPage"), "SignUpPage"),
});

const forgot = createRoute({
  getParentRoute: () => root,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("@/features/auth/ui/ForgotPage"), "ForgotPage"),
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset-password",
  component: lazyRouteComponent(() => import("@/features/auth/ui/ResetPage"), "ResetPage"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitation",
  beforeLoad: async () => void (await resume()),
  component: lazyRouteComponent(() => import("@/features/auth/ui/InvitationPage"), "InvitationPage"),
});

/** Pages for who is signed in; whoever is not comes back to them after signing in. */
const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed-in",
  beforeLoad: async ({ location }) => {
    if ((await resume()).status === "in") return;
    const next = location.href;
    throw redirect({ to: "/sign-in", search: next === "/" ? {} : { next } });
  },
});

const device = createRoute({
  getParentRoute: () => signedIn,
  path: "/device",
  validateSearch: (search) => some({ code: text(search.code) }),
  component: lazyRouteComponent(() => import("@/features/auth/ui/DevicePage"), "DevicePage"),
});

/** Pages with the sidebar around them. */
const shell = createRoute({
  getParentRoute: () => signedIn,
  id: "shell",
  component: lazyRouteComponent(() => import("./shell/Shell"), "Shell"),
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  // Whoever has seen nothing yet begins at the beginning.
  beforeLoad: async () => {
    const { pages } = await queryClient
      .ensureInfiniteQueryData(sessionsQuery("active"))
      .catch(() => ({ pages: [] }));
    const isNew = pages.every((page) => page.items.length === 0);
    throw redirect({ to: isNew ? "/start" : "/chats", replace: true });
  },
});

const start = createRoute({
  getParentRoute: () => shell,
  path: "/start",
  validateSearch: (search) =>
    some({
      run: text(search.run),
      verified: search.verified === true || undefined,
      replayed: search.replayed === true || undefined,
    }),
  component: lazyRouteComponent(() => import("@/features/start/ui/StartPage"), "StartPage"),
});

const inboxPage = lazyRouteComponent(() => import("@/features/approvals/ui/InboxPage"), "InboxPage");
const inboxSearch = (search: Record<string, unknown>): { show?: "decided" } =>
  search.show === "decided" ? { show: "decided" } : {};

const inbox = createRoute({
  getParentRoute: () => shell,
  path: "/inbox",
  validateSearch: inboxSearch,
  component: inboxPage,
});

const inboxRequest = createRoute({
  getParentRoute: () => shell,
  path: "/inbox/$approvalId",
  validateSearch: inboxSearch,
  component: inboxPage,
});

const chatsPage = lazyRouteComponent(() => import("@/features/chats/ui/ChatsPage"), "ChatsPage");
const chats = createRoute({ getParentRoute: () => shell, path: "/chats", component: chatsPage });
const chat = createRoute({ getParentRoute: () => shell, path: "/chats/$sessionId", component: chatsPage });

const runs = createRoute({
  getParentRoute: () => shell,
  path: "/runs",
  validateSearch: (search) =>
    some({ state: text(search.state), agent: text(search.agent), session: text(search.session) }),
  component: lazyRouteComponent(() => import("@/features/runs/ui/RunsPage"), "RunsPage"),
});

const compareRuns = createRoute({
  getParentRoute: () => shell,
  path: "/runs/compare",
  validateSearch: (search) => some({ a: text(search.a), b: text(search.b) }),
  component: lazyRouteComponent(() => import("@/features/runs/ui/ComparePage"), "ComparePage"),
});

const run = createRoute({
  getParentRoute: () => shell,
  path: "/runs/$runId",
  validateSearch: (search) => some({ step: whole(search.step), tab: oneOf(RUN_TABS, search.tab) }),
  component: lazyRouteComponent(() => import("@/features/runs/ui/RunPage"), "RunPage"),
});

const replay = createRoute({
  getParentRoute: () => shell,
  path: "/runs/$runId/replay",
  validateSearch: (search) => some({ mode: oneOf(REPLAY_MODES, search.mode) }),
  component: lazyRouteComponent(() => import("@/features/runs/ui/ReplayPage"), "ReplayPage"),
});

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
  component: lazyRouteComponent(() => import("@/features/policies/ui/PoliciesPage"), "PoliciesPage"),
});

const policy = createRoute({
  getParentRoute: () => shell,
  path: "/policies/$name",
  component: lazyRouteComponent(() => import("@/features/policies/ui/PolicyPage"), "PolicyPage"),
});

const inShell = [
  home,
  inbox,
  inboxRequest,
  chats,
  chat,
  start,
  runs,
  compareRuns,
  run,
  replay,
  record,
  verifyRecord,
  recordEvent,
  policies,
  policy,
];

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    signUp,
    forgot,
    reset,
    invitation,
    signedIn.addChildren([device, shell.addChildren(inShell)]),
  ]),
  defaultPreload: "intent",
  defaultPendingComponent: PagePending,
  defaultPendingMs: 250,
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFoundPage,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
