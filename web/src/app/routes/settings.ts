/** The organisation, its people and keys, and oneself. */
import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { ACT_GROUPS } from "@/features/acts/model/kinds";
import { oneOf, shell, some, text } from "./base";

const settings = createRoute({
  getParentRoute: () => shell,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/features/settings/ui/SettingsLayout"), "SettingsLayout"),
});

const overview = createRoute({
  getParentRoute: () => settings,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/settings/ui/SettingsPage"), "SettingsPage"),
});

const organisation = createRoute({
  getParentRoute: () => settings,
  path: "/organisation",
  component: lazyRouteComponent(() => import("@/features/settings/ui/OrganisationPage"), "OrganisationPage"),
});

const grants = createRoute({
  getParentRoute: () => shell,
  path: "/grants",
  component: lazyRouteComponent(() => import("@/features/grants/ui/GrantsPage"), "GrantsPage"),
});

const search = createRoute({
  getParentRoute: () => shell,
  path: "/search",
  validateSearch: (given) => some({ q: text(typeof given.q === "number" ? String(given.q) : given.q) }),
  component: lazyRouteComponent(() => import("@/features/search/ui/SearchPage"), "SearchPage"),
});

const notifications = createRoute({
  getParentRoute: () => shell,
  path: "/notifications",
  validateSearch: (given): { show?: "all" } => (given.show === "all" ? { show: "all" } : {}),
  component: lazyRouteComponent(
    () => import("@/features/notifications/ui/NotificationsPage"),
    "NotificationsPage",
  ),
});

const notificationSettings = createRoute({
  getParentRoute: () => settings,
  path: "/notifications",
  component: lazyRouteComponent(
    () => import("@/features/notifications/ui/NotificationSettings"),
    "NotificationSettings",
  ),
});

const members = createRoute({
  getParentRoute: () => settings,
  path: "/members",
  component: lazyRouteComponent(() => import("@/features/members/ui/MembersPage"), "MembersPage"),
});

const keys = createRoute({
  getParentRoute: () => settings,
  path: "/keys",
  component: lazyRouteComponent(() => import("@/features/keys/ui/KeysPage"), "KeysPage"),
});

const secrets = createRoute({
  getParentRoute: () => settings,
  path: "/secrets",
  component: lazyRouteComponent(() => import("@/features/secrets/ui/SecretsPage"), "SecretsPage"),
});

const secret = createRoute({
  getParentRoute: () => settings,
  path: "/secrets/$secretId",
  component: lazyRouteComponent(() => import("@/features/secrets/ui/SecretPage"), "SecretPage"),
});

const encryption = createRoute({
  getParentRoute: () => settings,
  path: "/encryption",
  component: lazyRouteComponent(() => import("@/features/secrets/ui/EncryptionPage"), "EncryptionPage"),
});

const activity = createRoute({
  getParentRoute: () => settings,
  path: "/activity",
  validateSearch: (search) => some({ group: oneOf(ACT_GROUPS, search.group), who: text(search.who) }),
  component: lazyRouteComponent(() => import("@/features/acts/ui/ActsPage"), "ActsPage"),
});

const account = createRoute({
  getParentRoute: () => settings,
  path: "/account",
  component: lazyRouteComponent(() => import("@/features/account/ui/AccountPage"), "AccountPage"),
});

const pages = settings.addChildren([
  overview,
  organisation,
  members,
  keys,
  secrets,
  secret,
  encryption,
  activity,
  account,
  notificationSettings,
]);

export const settingsRoutes = [pages, grants, search, notifications] as const;
