import { Archive, CircleCheck, PauseCircle } from "lucide-react";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import type { Agent } from "../api/agents";

const looks = {
  active: { tone: "ok", Icon: CircleCheck },
  paused: { tone: "warn", Icon: PauseCircle },
  retired: { tone: "plain", Icon: Archive },
} as const;

export function AgentStateBadge({ state }: { state: Agent["state"] }) {
  const { tone, Icon } = looks[state];
  return (
    <Badge tone={tone}>
      <Icon aria-hidden />
      {t.agents.states[state]}
    </Badge>
  );
}
