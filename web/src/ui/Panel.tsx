import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  detail?: ReactNode;
  aside?: ReactNode;
  children?: ReactNode;
}

/** A part of a settings page: what it is about, and what can be set. */
export function Panel({ title, detail, aside, children }: Props) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="rounded-lg border bg-surface shadow-sm">
      <div className="flex flex-wrap items-start gap-x-4 gap-y-2 px-4 py-3 md:px-5">
        <div className="min-w-48 flex-1">
          <h2 id={id} className="text-base font-semibold">
            {title}
          </h2>
          {detail && <div className="text-sm text-muted">{detail}</div>}
        </div>
        {aside}
      </div>
      {children && <div className="border-t px-4 py-4 md:px-5">{children}</div>}
    </section>
  );
}
