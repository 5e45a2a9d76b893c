import type { UseQueryResult } from "@tanstack/react-query";
import type { RecordEvent } from "@/api/events";
import { clock } from "@/lib/format";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { SkeletonRows } from "@/ui/Skeleton";

/** The run's events as the record has them, live. */
export function EventsTab({ events }: { events: UseQueryResult<RecordEvent[]> }) {
  if (events.isPending) return <SkeletonRows className="px-4 md:px-6" />;
  if (events.isError) {
    return (
      <div className="p-4 md:p-6">
        <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />
      </div>
    );
  }
  return (
    <ol aria-label={t.runs.run.tabs.events} className="flex flex-col">
      {events.data.map((event) => (
        <li key={event.seq} className="border-b">
          <details>
            <summary className="flex items-baseline gap-4 px-4 py-2 text-sm outline-offset-[-2px] hover:bg-hover/60 md:px-6">
              <span className="w-12 shrink-0 text-right text-xs text-muted tabular-nums">{event.seq}</span>
              <span className="min-w-0 flex-1 truncate font-mono text-xs">{event.kind}</span>
              <span title={exactly(event.at)} className="text-xs text-muted tabular-nums">
                {clock(event.at)}
              </span>
            </summary>
            <pre className="bg-sunken px-4 py-3 font-mono text-xs leading-5 whitespace-pre-wrap md:px-6">
              {JSON.stringify(event.data, null, 2)}
            </pre>
          </details>
        </li>
      ))}
    </ol>
  );
}
