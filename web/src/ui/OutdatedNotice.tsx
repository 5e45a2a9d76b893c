import { t } from "@/strings";
import { Button } from "./Button";
import { Notice } from "./Notice";

const s = t.budgets.outdated;

/** Somebody else was faster; what was typed is kept until one has chosen. */
export function OutdatedNotice({ onTake, onOverwrite }: { onTake(): void; onOverwrite(): void }) {
  return (
    <Notice tone="bad" title={s.title}>
      <p>{s.detail}</p>
      <div className="mt-2 flex flex-wrap gap-2">
        <Button size="sm" onClick={onTake}>
          {s.take}
        </Button>
        <Button size="sm" look="danger" onClick={onOverwrite}>
          {s.overwrite}
        </Button>
      </div>
    </Notice>
  );
}
