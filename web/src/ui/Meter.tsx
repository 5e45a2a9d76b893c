import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** How full something is: plenty left, soon at its limit, at it. */
export type Fill = "fine" | "near" | "full";

/** From four fifths on it is soon at its limit. */
export const fillOf = (used: number, max: number): Fill =>
  used >= max ? "full" : used >= 0.8 * max ? "near" : "fine";

const colours: Record<Fill, string> = { fine: "bg-accent", near: "bg-warn", full: "bg-bad" };

interface Props {
  /** What is measured. */
  label: string;
  used: number;
  /** None where nothing limits it: then only what is used is said. */
  max: number | undefined;
  /** As it is shown, such as `$3 of $20`. */
  children: ReactNode;
  /** The same for who does not see the bar. */
  text: string;
  className?: string;
}

/** How much of a limit is used. */
export function Meter({ label, used, max, children, text, className }: Props) {
  const fill = max === undefined ? "fine" : fillOf(used, max);
  const share = max === undefined ? 0 : max === 0 ? 1 : Math.min(1, used / max);
  return (
    <div className={cx("flex min-w-0 flex-col gap-1", className)}>
      <div className="flex items-baseline justify-between gap-2 text-xs">
        <span className="truncate text-muted">{label}</span>
        <span
          className={cx(
            "shrink-0 tabular-nums",
            fill === "full" ? "font-medium text-bad" : fill === "near" ? "text-warn" : "text-text",
          )}
        >
          {children}
        </span>
      </div>
      {max !== undefined && (
        // biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> in their own colours
        <div
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={Math.max(max, 1)}
          aria-valuenow={Math.min(used, Math.max(max, 1))}
          aria-valuetext={text}
          className="h-1.5 overflow-hidden rounded-full bg-hover"
        >
          <div
            className={cx("h-full rounded-full", colours[fill], used > 0 && "min-w-1")}
            style={{ width: `${share * 100}%` }}
          />
        </div>
      )}
    </div>
  );
}
