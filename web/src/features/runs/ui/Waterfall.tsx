import { type RefObject, useMemo } from "react";
import { targetName } from "@/features/approvals/model/show";
import { cx } from "@/lib/cx";
import { count, dollars, duration } from "@/lib/format";
import { useSecond } from "@/lib/useNow";
import { t } from "@/strings";
import type { Step } from "../api/runs";
import { type Scale, type Shortened, scaleOf } from "../model/scale";
import { usageOf } from "../model/step";
import { lengthOf, type Row, type Segment, type SegmentKind, type Timeline } from "../model/timeline";
import { StepSign, VerdictBadge } from "./StateBadge";

const s = t.runs;

interface Props {
  timeline: Timeline;
  steps: ReadonlyMap<number, Step>;
  selected: number | undefined;
  onSelect(step: number): void;
  list: RefObject<HTMLOListElement | null>;
}

const looks: Record<SegmentKind, string> = {
  decide: "bg-line-strong/70",
  wait: "segment-wait",
  work: "bg-accent",
  unknown: "bg-warn",
};
const grid =
  "grid w-full grid-cols-[1.25rem_minmax(0,1fr)_auto] items-center gap-x-2.5 gap-y-1.5 @xl:grid-cols-[1.25rem_minmax(0,15rem)_minmax(6rem,1fr)_4.5rem]";

/** Every step as a bar where it lay in time; beside its name where there is room, else below it. */
export function Waterfall(props: Props) {
  return props.timeline.to === undefined ? (
    <Running {...props} />
  ) : (
    <Drawn {...props} now={props.timeline.to} />
  );
}

function Running(props: Props) {
  const now = useSecond();
  return <Drawn {...props} now={Math.max(now, props.timeline.from)} />;
}

function Drawn({ timeline, steps, selected, onSelect, list, now }: Props & { now: number }) {
  const scale = useMemo(() => scaleOf(timeline, now), [timeline, now]);
  return (
    <div className="@container flex flex-col">
      <div aria-hidden className="hidden border-b bg-sunken/60 px-4 md:px-6 @xl:block">
        <div className={cx(grid, "h-8 text-xs text-muted")}>
          <span className="col-span-2">{s.timeline.step}</span>
          <Axis scale={scale} />
          <span className="text-right">{s.columns.took}</span>
        </div>
      </div>
      <ol ref={list} aria-label={s.timeline.label} className="flex flex-col">
        {timeline.rows.map((row) => (
          <RowButton
            key={row.step}
            row={row}
            step={steps.get(row.step)}
            scale={scale}
            now={now}
            isSelected={row.step === selected}
            onSelect={() => onSelect(row.step)}
          />
        ))}
      </ol>
      <Legend />
    </div>
  );
}

function Axis({ scale }: { scale: Scale }) {
  return (
    <span className="relative flex justify-between tabular-nums">
      <span>0</span>
      {scale.shortened.filter(hasRoom).map((it) => (
        <span
          key={it.from}
          title={s.timeline.shortened(duration(it.ms))}
          style={{ left: percent((it.from + it.to) / 2) }}
          className="absolute -translate-x-1/2 truncate text-2xs text-faint"
        >
          {it.to - it.from > 0.2 ? `⋯ ${duration(it.ms)} ⋯` : "⋯"}
        </span>
      ))}
      <span>{duration(scale.ms)}</span>
    </span>
  );
}

/** Beside the ends of the axis, which have labels of their own. */
const hasRoom = ({ from, to }: Shortened) => (from + to) / 2 > 0.15 && (from + to) / 2 < 0.72;

const percent = (part: number) => `${(part * 100).toFixed(3)}%`;

interface RowProps {
  row: Row;
  step: Step | undefined;
  scale: Scale;
  now: number;
  isSelected: boolean;
  onSelect(): void;
}

function RowButton({ row, step, scale, now, isSelected, onSelect }: RowProps) {
  const usage = step ? usageOf(step) : undefined;
  const target = targetName(row.target);
  const asks = row.verdict !== undefined && row.verdict !== "allow";
  return (
    <li className="border-b">
      <button
        type="button"
        data-row={row.step}
        aria-current={isSelected ? "true" : undefined}
        onClick={onSelect}
        className={cx(
          grid,
          "px-4 py-2 text-left outline-offset-[-2px] md:px-6",
          isSelected ? "bg-accent-soft" : "hover:bg-hover/60",
        )}
      >
        <StepSign state={row.state} />
        <span className="min-w-0">
          <span className="flex min-w-0 items-center gap-2">
            <span
              className={cx(
                "min-w-0 truncate text-sm font-medium",
                row.tool && "font-mono text-xs leading-5",
              )}
            >
              {row.tool ?? (row.state === "waiting" ? s.step.waits : s.step.context)}
            </span>
            {asks && <VerdictBadge verdict={row.verdict} />}
          </span>
          {(target || usage) && (
            <span className="block truncate text-xs text-muted">
              {usage
                ? `${usage.served ?? target} · ${s.step.inOut(count(usage.input), count(usage.output))}${usage.micros ? ` · ${dollars(usage.micros)}` : ""}`
                : target}
            </span>
          )}
        </span>
        <Bars segments={row.segments} scale={scale} now={now} />
        <span className="col-start-3 row-start-1 text-right text-xs text-muted tabular-nums @xl:col-start-4">
          {duration(Math.max(0, lengthOf(row, now)))}
        </span>
      </button>
    </li>
  );
}

function Bars({ segments, scale, now }: { segments: readonly Segment[]; scale: Scale; now: number }) {
  return (
    <span className="relative col-span-2 col-start-2 row-start-2 block h-3.5 rounded-sm bg-sunken @xl:col-span-1 @xl:col-start-3 @xl:row-start-1">
      {segments.map((it, index) => {
        const [from, to] = [scale.at(it.from), scale.at(it.to ?? now)];
        return (
          <span
            key={`${it.kind}${it.from}`}
            title={s.timeline.described(s.timeline.segments[it.kind], duration((it.to ?? now) - it.from))}
            style={{ left: percent(from), width: percent(to - from) }}
            className={cx(
              "absolute inset-y-0 min-w-0.75",
              looks[it.kind],
              index === 0 && "rounded-l-sm",
              index === segments.length - 1 && "rounded-r-sm",
              it.to === undefined && "animate-pulse-soft",
            )}
          />
        );
      })}
    </span>
  );
}

function Legend() {
  return (
    <ul
      aria-label={s.timeline.legend}
      className="flex flex-wrap gap-x-5 gap-y-1 px-4 py-3 text-xs text-muted md:px-6"
    >
      {(["work", "wait", "decide", "unknown"] as const).map((kind) => (
        <li key={kind} className="flex items-center gap-1.5">
          <span aria-hidden className={cx("h-2.5 w-4 rounded-sm", looks[kind])} />
          {s.timeline.segments[kind]}
        </li>
      ))}
    </ul>
  );
}
