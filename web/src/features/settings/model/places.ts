/** The pages below Settings, for its own list and for what finds everything by name. */
import {
  Bell,
  Building2,
  History,
  KeyRound,
  LockKeyhole,
  type LucideIcon,
  ShieldEllipsis,
  UserRound,
  Users,
} from "lucide-react";
import { t } from "@/strings";

export interface Place {
  to:
    | "/settings/account"
    | "/settings/activity"
    | "/settings/encryption"
    | "/settings/keys"
    | "/settings/members"
    | "/settings/notifications"
    | "/settings/organisation"
    | "/settings/secrets";
  name: string;
  detail: string;
  icon: LucideIcon;
  group: keyof typeof t.settings.groups;
}

const { places: s } = t.settings;

export const places: readonly Place[] = [
  { to: "/settings/organisation", ...s.organisation, icon: Building2, group: "org" },
  { to: "/settings/members", ...s.members, icon: Users, group: "org" },
  { to: "/settings/keys", ...s.keys, icon: KeyRound, group: "org" },
  { to: "/settings/secrets", ...s.secrets, icon: LockKeyhole, group: "org" },
  { to: "/settings/encryption", ...s.encryption, icon: ShieldEllipsis, group: "org" },
  { to: "/settings/activity", ...s.activity, icon: History, group: "org" },
  { to: "/settings/account", ...s.account, icon: UserRound, group: "you" },
  { to: "/settings/notifications", ...s.notifications, icon: Bell, group: "you" },
];
