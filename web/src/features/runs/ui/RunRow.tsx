import { Link } from "@tanstack/react-router";
import { cx } from "@/lib/cx";
import { count, dollars, duration, shortId } from "@/lib/format";
import { useSecond } from "@/lib/useNow";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Time } from "@/ui/Time";
import type { Run } from "../api/runs";
import { isOpen, tookMs } from "../model/run";
import { StateBadge } from "./StateBadge";

const s = t.runs;
const grid =
  "grid grid-cols-[minmax(0,1fr)_auto] items-center gap-x-4 gap-y-1 md:grid-cols-[minmax(0,1fr)_8rem_10rem_4.5rem_4rem] xl:grid-cols-[minmax(0,1fr)_10rem_10.5rem_6rem_4.5rem_4.5rem]";

export function RunsHead() {
  return (
    <div aria-hidden className="hidden border-b bg-sunken/60 pr-6 pl-12 md:block">
      <div className={cx(grid, "h-8 text-xs text-muted")}>
        <span>{s.columns.run}</span>
        <span>{s.columns.agent}</span>
        <span>{s.columns.state}</span>
        <span className="hidden text-right xl:block">{s.columns.cost}</span>
        <span className="text-right">{s.columns.took}</span>
        <span className="text-right">{s.columns.began}</span>
      </div>
    </div>
  );
}

interface Props {
  run: Run;
  title: string;
  agent: string | undefined;
  isPicked: boolean;
  onPick(): void;
}

export function RunRow({ run, title, agent, isPicked, onPick }: Props) {
  return (
    <li className="group flex items-stretch border-b hover:bg-hover/60">
      <label className="hidden w-12 shrink-0 cursor-pointer items-center justify-center md:flex">
        <input
          type="checkbox"
          checked={isPicked}
          onChange={onPick}
          aria-label={s.pick(title)}
          className="size-4 accent-accent opacity-40 group-hover:opacity-100 checked:opacity-100 focus-visible:opacity-100"
        />
      </label>
      <Link
        to="/runs/$runId"
        params={{ runId: run.id }}
        data-row={run.id}
        className={cx(grid, "min-w-0 flex-1 py-2.5 pr-4 pl-4 outline-offset-[-2px] md:pr-6 md:pl-0")}
      >
        <span className="min-w-0">
          <span className="block truncate text-sm font-medium" title={title}>
            {title}
          </span>
          <span className="block truncate text-xs text-muted">
            {s.kinds[run.kind] ?? run.kind} · <span className="font-mono">{shortId(run.id)}</span>
            {run.usage && <span className="xl:hidden"> · {costOf(run.usage)}</span>}
          </span>
        </span>
        <span className="col-start-1 row-start-2 flex min-w-0 items-center gap-2 text-sm text-muted md:col-start-auto md:row-start-auto">
          {agent && (
            <>
              <Avatar name={agent} agent size="sm" />
              <span className="truncate">{agent}</span>
            </>
          )}
        </span>
        <span className="col-start-2 row-start-1 justify-self-end md:col-start-auto md:row-start-auto md:justify-self-start">
          <StateBadge run={run} />
        </span>
        <Cost run={run} />
        <span className="col-start-2 row-start-2 text-right text-xs text-muted tabular-nums md:col-start-auto md:row-start-auto md:text-sm">
          <Took run={run} />
        </span>
        <span className="hidden text-right text-sm text-muted md:block">
          <Time at={run.created_at} />
        </span>
      </Link>
    </li>
  );
}

const costOf = (usage: NonNullable<Run["usage"]>) =>
  usage.unpriced > 0 && usage.cost_usd_micros === 0 ? s.noPrice : dollars(usage.cost_usd_micros);

/** What it took of models: beside the rest where there is room. */
function Cost({ run: { usage } }: { run: Run }) {
  return (
    <span
      className="hidden text-right text-sm text-muted tabular-nums xl:block"
      title={usage?.models.join(", ")}
    >
      {usage && (
        <>
          <span className="block">{costOf(usage)}</span>
          <span className="block text-xs">{s.tokens(count(usage.input_tokens + usage.output_tokens))}</span>
        </>
      )}
    </span>
  );
}

/** How long it took; counts on while it goes on. */
export function Took({ run }: { run: Run }) {
  return isOpen(run) ? <TookSoFar run={run} /> : duration(tookMs(run, 0));
}

function TookSoFar({ run }: { run: Run }) {
  const now = useSecond();
  return duration(Math.max(0, tookMs(run, now)));
}
