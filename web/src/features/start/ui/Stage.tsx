import { Check } from "lucide-react";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { cx } from "@/lib/cx";
import { t } from "@/strings";

interface Props {
  number: number;
  title: string;
  isDone: boolean;
  /** Whether it is its turn, or was. */
  isOpen: boolean;
  isLast?: boolean;
  children: ReactNode;
}

/** One stage of the way, on a line that leads from one to the next. */
export function Stage({ number, title, isDone, isOpen, isLast, children }: Props) {
  const item = useRef<HTMLLIElement>(null);
  const isCurrent = isOpen && !isDone;
  useBegin(item, isCurrent);
  return (
    <li
      ref={item}
      className="relative flex scroll-my-6 gap-4 pb-8 last:pb-2"
      aria-current={isCurrent ? "step" : undefined}
    >
      {!isLast && <span aria-hidden className="absolute top-8 bottom-1 left-3.5 w-px bg-line" />}
      <span
        className={cx(
          "flex size-7 shrink-0 items-center justify-center rounded-full border text-xs font-semibold",
          isDone
            ? "border-ok bg-ok-soft text-ok"
            : isOpen
              ? "border-accent-text text-accent-text"
              : "text-muted",
        )}
      >
        {isDone ? <Check role="img" aria-label={t.start.done} className="size-4" /> : number}
      </span>
      <div className="min-w-0 flex-1">
        <h2
          tabIndex={-1}
          className={cx("mt-0.5 text-base outline-none font-semibold", !isOpen && "text-muted")}
        >
          {title}
        </h2>
        {isOpen && <div className="mt-2 flex flex-col items-start gap-3 text-sm">{children}</div>}
      </div>
    </li>
  );
}

/**
 * When it becomes its turn, it comes into sight; and whoever did the stage before goes on here by keys, since the
 * button that they pressed is gone.
 */
function useBegin(item: RefObject<HTMLLIElement | null>, isCurrent: boolean) {
  const was = useRef(isCurrent);
  useEffect(() => {
    const begins = isCurrent && !was.current;
    was.current = isCurrent;
    const stage = item.current;
    const at = document.activeElement;
    if (!begins || !stage || (at !== document.body && !stage.parentElement?.contains(at))) return;
    stage.querySelector("h2")?.focus({ preventScroll: true });
    stage.scrollIntoView({ block: "nearest" });
  }, [item, isCurrent]);
}
