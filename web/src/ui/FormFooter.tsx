import { t } from "@/strings";
import { Badge } from "./Badge";
import { Button } from "./Button";

interface Props {
  isChanged: boolean;
  /** What is said while nothing is changed. */
  same?: string | undefined;
  action: string;
  busy: boolean;
  disabled: boolean;
  onDiscard(): void;
}

/** The end of a long form, always in sight: whether it is saved, and what can be done about it. */
export function FormFooter({ isChanged, same, action, busy, disabled, onDiscard }: Props) {
  return (
    <footer className="sticky bottom-[calc(3.5rem+env(safe-area-inset-bottom))] z-20 -mx-4 -mb-4 flex flex-wrap items-center justify-end gap-2 border-t bg-bg px-4 py-3 md:bottom-0 md:-mx-6 md:-mb-6 md:px-6">
      {isChanged ? (
        <Badge tone="warn">{t.common.unsavedBadge}</Badge>
      ) : (
        <span className="text-sm text-muted">{same}</span>
      )}
      <span className="flex-1" />
      <Button onClick={onDiscard}>{isChanged ? t.common.undoChanges : t.common.cancel}</Button>
      <Button type="submit" look="primary" busy={busy} disabled={disabled}>
        {action}
      </Button>
    </footer>
  );
}
