import type { ReactNode } from "react";
import { cx } from "@/lib/cx";

interface Props {
  title: ReactNode;
  detail?: ReactNode;
  /** What stands above the title, such as the way back. */
  above?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

/** The head of a page: what it is, and what can be done with all of it. */
export function PageHeader({ title, detail, above, actions, children }: Props) {
  return (
    <header className="flex flex-col gap-3 border-b px-4 pt-4 pb-3 md:px-6">
      {above}
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
        <div className="w-full min-w-0 sm:w-auto sm:flex-1">
          <h1 className="text-lg leading-7 font-semibold">{title}</h1>
          {detail && <p className="text-sm text-muted">{detail}</p>}
        </div>
        {actions && <div className="flex max-w-full shrink-0 flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {children}
    </header>
  );
}

/** A fact with its name above it. */
export function Fact({
  name,
  children,
  className,
}: {
  name: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <div className={cx("min-w-0", className)}>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="truncate text-sm tabular-nums">{children}</dd>
    </div>
  );
}
