import { cx } from "@/lib/cx";
import { t } from "@/strings";

/** A grey bar where a text will be. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <div aria-hidden className={cx("animate-pulse-soft rounded-md bg-hover", className ?? "h-4 w-full")} />
  );
}

/** As many rows as a list will probably have. */
export function SkeletonRows({ rows = 6, className }: { rows?: number; className?: string }) {
  const widths = ["w-2/3", "w-1/2", "w-3/4", "w-3/5"];
  return (
    <div role="status" aria-label={t.common.loading} className={cx("flex flex-col", className)}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all alike and never move
        <div key={row} className="flex flex-col gap-2 border-b py-3.5">
          <Skeleton className={cx("h-3.5", widths[row % widths.length])} />
          <Skeleton className="h-3 w-1/3" />
        </div>
      ))}
    </div>
  );
}
