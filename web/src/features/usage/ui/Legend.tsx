import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Swatch } from "@/ui/charts/ChartHint";
import { colourOf, restColour } from "@/ui/charts/chart";
import type { Group } from "../model/series";

const s = t.usage;

interface Props {
  groups: readonly Group[];
  nameOf(id: string): string;
  /** The one that is shown alone. */
  only: string | undefined;
  onOnly(id: string): void;
}

/** What the colours mean; choosing one shows it alone. */
export function Legend({ groups, nameOf, only, onOnly }: Props) {
  const coloured = groups.filter((it) => it.colour !== undefined || it.id === only);
  const others = groups.length - coloured.length;
  return (
    <ul aria-label={s.legend} className="flex flex-wrap items-center gap-1">
      {coloured.map((it) => (
        <li key={it.id}>
          <button
            type="button"
            aria-pressed={it.id === only}
            title={s.only(nameOf(it.id))}
            onClick={() => onOnly(it.id)}
            className={cx(
              "flex h-7 max-w-56 items-center gap-1.5 rounded-md px-2 text-xs hover:bg-hover aria-pressed:bg-hover aria-pressed:font-medium",
              only !== undefined && it.id !== only ? "text-muted" : "text-text",
            )}
          >
            <Swatch colour={colourOf(it.colour)} />
            <span className="truncate">{nameOf(it.id)}</span>
          </button>
        </li>
      ))}
      {others > 0 && (
        <li className="flex h-7 items-center gap-1.5 px-2 text-xs text-muted">
          <Swatch colour={restColour} />
          {s.rest(others)}
        </li>
      )}
      {only !== undefined && (
        <li>
          <Button size="sm" look="ghost" onClick={() => onOnly(only)}>
            {s.all}
          </Button>
        </li>
      )}
    </ul>
  );
}
