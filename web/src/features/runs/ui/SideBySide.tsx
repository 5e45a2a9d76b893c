import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

/** The names of two sides, above what stands below them. They stay in sight. */
export function SidesHead({ names }: { names: readonly [ReactNode, ReactNode] }) {
  return (
    <div className="sticky top-0 z-10 grid grid-cols-2 border-y bg-sunken text-xs font-medium text-muted">
      <span className="min-w-0 truncate px-4 py-2 md:px-6">{names[0]}</span>
      <span className="min-w-0 truncate border-l px-4 py-2">{names[1]}</span>
    </div>
  );
}

/** The line below which two ways differ. */
export function DivergenceLine({ name }: { name: string }) {
  return (
    <li className="flex items-center gap-3 px-4 py-1 md:px-6">
      <span aria-hidden className="h-px flex-1 bg-bad" />
      <span className="text-xs font-semibold text-bad">{name}</span>
      <span aria-hidden className="h-px flex-1 bg-bad" />
    </li>
  );
}

interface RowProps {
  head: ReactNode;
  sides: readonly [ReactNode, ReactNode];
  differs: boolean;
  /** What stands where a side has nothing. */
  none?: string;
  /** Behind the first divergence, where nothing can be compared any more. */
  isAfter?: boolean;
}

/** One thing on both sides. */
export function SidesRow({ head, sides, differs, none, isAfter }: RowProps) {
  return (
    <li className={cx("border-b", isAfter && !differs && "bg-sunken/50")}>
      <div className="flex min-w-0 items-center gap-2 px-4 pt-2.5 text-sm md:px-6">{head}</div>
      <div className="grid grid-cols-2 pt-1 pb-2.5 text-sm">
        <div className={cx("min-w-0 px-4 py-1 md:px-6", differs && sides[0] && "bg-bad-soft")}>
          {sides[0] ?? <span className="text-muted">{none}</span>}
        </div>
        <div className={cx("min-w-0 border-l px-4 py-1", differs && sides[1] && "bg-ok-soft")}>
          {sides[1] ?? <span className="text-muted">{none}</span>}
        </div>
      </div>
    </li>
  );
}

/** Foreign text on one side: a few lines of it, and the rest by scrolling. */
export function SideText({ text, label }: { text: string; label: string }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys
    <pre
      role="group"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
      tabIndex={0}
      className="max-h-56 overflow-auto font-mono text-xs leading-5 whitespace-pre-wrap break-words outline-offset-1"
    >
      {text}
    </pre>
  );
}
