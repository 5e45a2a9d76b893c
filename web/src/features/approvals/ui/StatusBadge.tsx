import { t } from "@/strings";
import { Badge, type BadgeTone } from "@/ui/Badge";

const tones: Record<string, BadgeTone> = { pending: "warn", granted: "ok", denied: "bad" };

export function StatusBadge({ status, scope }: { status: string; scope?: string | null | undefined }) {
  const far = status === "granted" && scope ? t.approvals.scope[scope] : undefined;
  return (
    <Badge tone={tones[status] ?? "plain"}>
      {t.approvals.status[status] ?? status}
      {far && ` ${far}`}
    </Badge>
  );
}
