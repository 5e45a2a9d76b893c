import { Clock } from "lucide-react";
import { exactly, span } from "@/lib/time";
import { useSecond } from "@/lib/useNow";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";

const SOON_MS = 15 * 60_000;

/** How long silence is still no answer; quietly where it stands in a list, unless it is soon. */
export function Countdown({ until, quiet }: { until: string; quiet?: boolean }) {
  const left = Date.parse(until) - useSecond();
  const isSoon = left < SOON_MS;
  const words = left > 0 ? t.approvals.expiresIn(span(left)) : t.approvals.expired;
  if (quiet && !isSoon) return <span title={exactly(until)}>{words}</span>;
  return (
    <Badge tone={isSoon ? "warn" : "plain"}>
      <Clock aria-hidden />
      <span title={exactly(until)}>{words}</span>
    </Badge>
  );
}
