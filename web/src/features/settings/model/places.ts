/** The pages below Settings, for its own list and for what finds everything by name. */
import { KeyRound, type LucideIcon, UserRound, Users } from "lucide-react";
import { t } from "@/strings";

export interface Place {
  to: "/settings/account" | "/settings/keys" | "/settings/members";
  name: string;
  detail: string;
  icon: LucideIcon;
  group: keyof typeof t.settings.groups;
}

const { places: s } = t.settings;

export const places: readonly Place[] = [
  { to: "/settings/members", ...s.members, icon: Users, group: "org" },
  { to: "/settings/keys", ...s.keys, icon: KeyRound, group: "org" },
  { to: "/settings/account", ...s.account, icon: UserRound, group: "you" },
];
