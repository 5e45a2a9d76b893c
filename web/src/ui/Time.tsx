import { ago, exactly } from "@/lib/time";
import { useMinute } from "@/lib/useNow";

/** When something was; the whole of it for who points at it. */
export function Time({ at, className }: { at: string; className?: string }) {
  const now = useMinute();
  return (
    <time dateTime={at} title={exactly(at)} className={className}>
      {ago(at, now)}
    </time>
  );
}
