import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { IconButton } from "./Button";

interface Props {
  open: boolean;
  onOpenChange(open: boolean): void;
  title: string;
  description?: ReactNode;
  children?: ReactNode;
  footer?: ReactNode;
  className?: string;
}

/** What somebody came to fill in: a dialog with such a thing begins there, not at the button that closes it. */
const FIELD = ":is(input, select, textarea):not(:disabled)";

/** A dialog in the middle, or from below on a phone. */
export function Dialog({ open, onOpenChange, title, description, children, footer, className }: Props) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          onOpenAutoFocus={(event) => {
            const field =
              event.currentTarget instanceof Element && event.currentTarget.querySelector<HTMLElement>(FIELD);
            if (!field) return;
            event.preventDefault();
            field.focus();
          }}
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx(
            "fixed z-50 flex max-h-[88dvh] animate-in flex-col border bg-surface shadow-lg",
            "inset-x-0 bottom-0 rounded-t-xl pb-[env(safe-area-inset-bottom)]",
            "sm:inset-auto sm:top-[12vh] sm:left-1/2 sm:w-[calc(100vw-3rem)] sm:max-w-lg sm:-translate-x-1/2 sm:rounded-xl sm:pb-0",
            className,
          )}
        >
          <header className="flex items-start gap-3 px-5 pt-4 pb-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-base font-semibold">{title}</Radix.Title>
              {description && (
                <Radix.Description asChild>
                  <div className="mt-0.5 text-sm text-muted">{description}</div>
                </Radix.Description>
              )}
            </div>
            <Radix.Close asChild>
              <IconButton label={t.common.close} size="sm" icon={<X />} className="-mr-1.5" />
            </Radix.Close>
          </header>
          <div
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
            tabIndex={0}
            className="min-h-0 flex-1 overflow-y-auto px-5 pb-4 focus-visible:outline-offset-[-2px]"
          >
            {children}
          </div>
          {footer && (
            <footer className="flex flex-wrap justify-end gap-2 border-t px-5 py-3">{footer}</footer>
          )}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
