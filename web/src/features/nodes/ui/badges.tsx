import {
  CircleCheck,
  CircleDashed,
  CircleX,
  Plug,
  ShieldAlert,
  ShieldCheck,
  ShieldQuestion,
  ShieldX,
  Unplug,
} from "lucide-react";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { type Level, levelTone, statusTone } from "../model/enforcement";

const statusIcons: Record<string, typeof Plug> = {
  connected: CircleCheck,
  enrolled: CircleDashed,
  disconnected: Unplug,
  revoked: CircleX,
};

export function StatusBadge({ status }: { status: string }) {
  const Icon = statusIcons[status] ?? Plug;
  return (
    <Badge tone={statusTone(status)}>
      <Icon aria-hidden />
      {t.nodes.statuses[status] ?? status}
    </Badge>
  );
}

const levelIcons: Record<Level, typeof Plug> = {
  enforced: ShieldCheck,
  partial: ShieldAlert,
  advisory: ShieldAlert,
  unavailable: ShieldX,
  unknown: ShieldQuestion,
};

export function LevelBadge({ level }: { level: Level }) {
  const Icon = levelIcons[level];
  return (
    <Badge tone={levelTone(level)}>
      <Icon aria-hidden />
      {t.nodes.levels[level]}
    </Badge>
  );
}
