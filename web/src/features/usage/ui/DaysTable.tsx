import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { t } from "@/strings";

const s = t.usage;

interface Props {
  title: string;
  series: readonly { id: string; name: string }[];
  bars: readonly { title: string; values: readonly (number | undefined)[] }[];
  format(value: number): string;
}

/** What a chart shows, for who would rather read it. */
export function DaysTable({ title, series, bars, format }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="group" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex w-fit list-none items-center gap-1.5 rounded-md text-sm text-muted hover:text-text">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        {s.days}
      </summary>
      {isOpen && (
        // biome-ignore lint/a11y/useSemanticElements: it is a region only so that it can be scrolled by keys
        <div
          role="group"
          aria-label={s.days}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be scrolled by keys
          tabIndex={0}
          className="mt-2 max-h-112 overflow-auto rounded-lg border bg-surface"
        >
          <table className="w-full text-sm">
            <caption className="sr-only">{title}</caption>
            <thead className="sticky top-0 bg-surface">
              <tr className="border-b text-xs text-muted">
                <th scope="col" className="px-3 py-2 text-left font-medium">
                  {s.day}
                </th>
                {series.map((it) => (
                  <th key={it.id} scope="col" className="max-w-40 truncate px-3 py-2 text-right font-medium">
                    {it.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {bars.map((bar) => (
                <tr key={bar.title} className="border-b last:border-0">
                  <th scope="row" className="px-3 py-1.5 text-left font-normal whitespace-nowrap">
                    {bar.title}
                  </th>
                  {series.map((it, at) => {
                    const value = bar.values[at];
                    return (
                      <td key={it.id} className="px-3 py-1.5 text-right tabular-nums">
                        {value === undefined ? "" : format(value)}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
