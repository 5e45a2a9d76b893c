import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

interface Props {
  icon: LucideIcon;
  title: string;
  /** What will be here, and how it comes to be. */
  children?: ReactNode;
  action?: ReactNode;
  /** Where it is all that the page has. */
  isPage?: boolean;
}

/** A place with nothing in it yet, that says what it is for. */
export function Empty({ icon: Icon, title, children, action, isPage }: Props) {
  const Heading = isPage ? "h1" : "h2";
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-3 px-6 py-16 text-center">
      <div className="flex size-11 items-center justify-center rounded-xl border bg-surface text-faint shadow-sm">
        <Icon aria-hidden className="size-5" />
      </div>
      <Heading className="text-base font-semibold">{title}</Heading>
      {children && <div className="text-sm text-muted">{children}</div>}
      {action && <div className="mt-2 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}
