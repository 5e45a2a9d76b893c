import type { ReactNode } from "react";
import { t } from "@/strings";
import { Mark } from "@/ui/Mark";

interface Props {
  title: string;
  detail?: ReactNode;
  children: ReactNode;
  footer?: ReactNode;
}

/** The frame of the pages before the app. */
export function AuthCard({ title, detail, children, footer }: Props) {
  return (
    <main className="flex min-h-dvh flex-col items-center px-4 py-10 sm:justify-center">
      <div className="w-full max-w-sm">
        <div className="mb-8 flex items-center gap-2.5">
          <Mark className="size-8" />
          <span className="text-lg font-semibold tracking-tight">{t.common.product}</span>
        </div>
        <h1 className="text-2xl font-semibold tracking-tight">{title}</h1>
        {detail && <div className="mt-1.5 text-sm text-muted">{detail}</div>}
        <div className="mt-6">{children}</div>
        {footer && <div className="mt-6 text-sm text-muted">{footer}</div>}
      </div>
    </main>
  );
}

export const linkClass = "font-medium text-accent-text underline-offset-4 hover:underline";
