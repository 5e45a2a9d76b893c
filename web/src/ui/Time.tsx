import { ago, exactly, when } from "@/lib/time";
import { useMinute } from "@/lib/useNow";

/** When something was; the whole of it for who points at it. */
export function Time({
  at,
  inSentence,
  className,
}: {
  at: string;
  /** Whether words stand before it. */
  inSentence?: boolean;
  className?: string;
}) {
  const now = useMinute();
  return (
    <time dateTime={at} title={exactly(at)} className={className}>
      {inSentence ? when(at, now) : ago(at, now)}
    </time>
  );
}
