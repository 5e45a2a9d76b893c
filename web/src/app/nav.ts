/**
 * What the sidebar, the phone's bar, the palette and the keys `g …` lead to. A page gets its entry here when
 * it is there, and not before.
 */
import {
  Bell,
  Bot,
  ChartColumnStacked,
  Compass,
  Cpu,
  GraduationCap,
  Inbox,
  type LucideIcon,
  MessagesSquare,
  PiggyBank,
  Scale,
  ScrollText,
  Server,
  Settings,
  Stamp,
  Waypoints,
  Wrench,
} from "lucide-react";
import { t } from "@/strings";

type NavGroup = keyof typeof t.shell.groups;

export interface NavEntry {
  /** An address of `router.tsx`. */
  to:
    | "/agents"
    | "/budgets"
    | "/chats"
    | "/grants"
    | "/inbox"
    | "/models"
    | "/nodes"
    | "/notifications"
    | "/policies"
    | "/record"
    | "/runs"
    | "/settings"
    | "/skills"
    | "/start"
    | "/tools"
    | "/usage";
  label: string;
  icon: LucideIcon;
  group: NavGroup;
  /** After `g`. */
  key: string;
  /** Counts what waits for somebody; the sidebar asks for it live. */
  badge?: "approvals" | "notices";
}

export const nav: readonly NavEntry[] = [
  { to: "/inbox", label: t.approvals.nav, icon: Inbox, group: "work", key: "i", badge: "approvals" },
  { to: "/chats", label: t.chats.nav, icon: MessagesSquare, group: "work", key: "c" },
  { to: "/runs", label: t.runs.nav, icon: Waypoints, group: "work", key: "r" },
  { to: "/start", label: t.start.nav, icon: Compass, group: "work", key: "s" },
  { to: "/notifications", label: t.notifications.nav, icon: Bell, group: "work", key: "y", badge: "notices" },
  { to: "/policies", label: t.policies.nav, icon: Scale, group: "govern", key: "p" },
  { to: "/grants", label: t.grants.nav, icon: Stamp, group: "govern", key: "v" },
  { to: "/record", label: t.record.nav, icon: ScrollText, group: "govern", key: "e" },
  { to: "/usage", label: t.usage.nav, icon: ChartColumnStacked, group: "govern", key: "u" },
  { to: "/budgets", label: t.budgets.nav, icon: PiggyBank, group: "govern", key: "b" },
  { to: "/agents", label: t.agents.nav, icon: Bot, group: "build", key: "a" },
  { to: "/skills", label: t.skills.nav, icon: GraduationCap, group: "build", key: "l" },
  { to: "/tools", label: t.tools.nav, icon: Wrench, group: "build", key: "t" },
  { to: "/nodes", label: t.nodes.nav, icon: Server, group: "build", key: "n" },
  { to: "/models", label: t.models.nav, icon: Cpu, group: "build", key: "m" },
  { to: "/settings", label: t.settings.nav, icon: Settings, group: "settings", key: "," },
];
