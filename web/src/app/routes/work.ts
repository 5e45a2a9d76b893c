/** The daily work: start, inbox, chats, runs. */
import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { sessionsQuery } from "@/features/chats/api/chats";
import { REPLAY_MODES, RUN_TABS } from "@/features/runs/model/names";
import { queryClient } from "../queryClient";
import { oneOf, shell, some, text, whole } from "./base";

const inboxPage = lazyRouteComponent(() => import("@/features/approvals/ui/InboxPage"), "InboxPage");
const inboxSearch = (search: Record<string, unknown>): { show?: "decided" } =>
  search.show === "decided" ? { show: "decided" } : {};
const chatsPage = lazyRouteComponent(() => import("@/features/chats/ui/ChatsPage"), "ChatsPage");

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  // Whoever has seen nothing yet begins at the beginning.
  beforeLoad: async () => {
    const { pages } = await queryClient()
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

const chats = createRoute({
  getParentRoute: () => shell,
  path: "/chats",
  validateSearch: (search) => some({ add: search.add === true || undefined }),
  component: chatsPage,
});
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

export const workRoutes = [
  home,
  start,
  inbox,
  inboxRequest,
  chats,
  chat,
  runs,
  compareRuns,
  run,
  replay,
] as const;
