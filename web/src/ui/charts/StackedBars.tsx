/**
 * Amounts over time, stacked. Arrow keys walk along it, pointing at it says its parts, and dragging over it
 * chooses a part of the time. Pages load it lazily: the library is larger than everything else on them.
 */
import { type MouseEvent, useState } from "react";
import {
  Bar,
  BarChart,
  CartesianGrid,
  ReferenceArea,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { ChartHint } from "./ChartHint";
import { axisText, barAt, ticks } from "./chart";

export interface BarSeries {
  id: string;
  name: string;
  colour: string;
}

export interface StackedBar {
  /** Below the axis. */
  label: string;
  /** Of what is said about it. */
  title: string;
  /** An amount for each series, in their order. */
  values: readonly number[];
}

export interface StackedBarsProps {
  label: string;
  series: readonly BarSeries[];
  bars: readonly StackedBar[];
  /** An amount in full, and as short as an axis needs it. */
  format(value: number): string;
  tick(value: number): string;
  totalName: string;
  nothingName: string;
  /** Called with the first and the last bar that were chosen. */
  onChoose?: (first: number, last: number) => void;
  height?: number;
}

const HINTED = 8;
const AXIS_WIDTH = 52;
const MARGIN_RIGHT = 4;

export default function StackedBars(props: StackedBarsProps) {
  const { label, series, bars, tick, onChoose, height = 260 } = props;
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const data = bars.map((bar, at) => ({
    at,
    ...Object.fromEntries(bar.values.map((it, s) => [`s${s}`, it])),
  }));
  const highest = Math.max(0, ...bars.map((bar) => bar.values.reduce((sum, it) => sum + it, 0)));
  const marks = ticks(highest);
  /** The bar at a place of the pointer. The chart itself knows it only some frames later. */
  const place = ({ clientX, currentTarget }: MouseEvent) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    return barAt(clientX - left - AXIS_WIDTH, width - AXIS_WIDTH - MARGIN_RIGHT, bars.length);
  };
  const end = () => {
    if (drag && drag.from !== drag.to) onChoose?.(Math.min(drag.from, drag.to), Math.max(drag.from, drag.to));
    setDrag(undefined);
  };
  return (
    <div
      className={onChoose ? "cursor-col-resize overflow-x-clip select-none" : "overflow-x-clip select-none"}
      {...(onChoose
        ? {
            onMouseDown: (event: MouseEvent) => {
              const at = place(event);
              if (event.button === 0) setDrag({ from: at, to: at });
            },
            onMouseMove: (event: MouseEvent) => {
              const at = place(event);
              if (drag && at !== drag.to) setDrag({ ...drag, to: at });
            },
            onMouseUp: end,
            onMouseLeave: () => setDrag(undefined),
          }
        : {})}
    >
      <ResponsiveContainer width="100%" height={height}>
        <BarChart
          data={data}
          margin={{ top: 8, right: MARGIN_RIGHT, bottom: 0, left: 0 }}
          barCategoryGap={bars.length > 60 ? 1 : "18%"}
          aria-label={label}
        >
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="at"
            tickFormatter={(at: number) => bars[at]?.label ?? ""}
            tick={axisText}
            tickLine={false}
            axisLine={{ stroke: "var(--line)" }}
            interval="preserveStartEnd"
            minTickGap={24}
          />
          <YAxis
            width={AXIS_WIDTH}
            tick={axisText}
            tickLine={false}
            axisLine={false}
            ticks={marks}
            domain={[0, marks.at(-1) || 1]}
            tickFormatter={tick}
          />
          <Tooltip
            isAnimationActive={false}
            cursor={{ fill: "var(--hover)" }}
            content={({ active, activeIndex }) => {
              const bar = bars[Number(activeIndex)];
              return active && bar ? <Hint bar={bar} props={props} /> : null;
            }}
          />
          {series.map((it, at) => (
            <Bar
              key={it.id}
              dataKey={`s${at}`}
              stackId="all"
              fill={it.colour}
              // A line in the colour of the ground keeps neighbours apart that look alike to somebody.
              stroke="var(--surface)"
              strokeWidth={bars.length > 60 ? 0.5 : 1}
              isAnimationActive={false}
              name={it.name}
              maxBarSize={56}
            />
          ))}
          {drag && drag.from !== drag.to && (
            <ReferenceArea
              x1={Math.min(drag.from, drag.to)}
              x2={Math.max(drag.from, drag.to)}
              fill="var(--accent)"
              fillOpacity={0.15}
            />
          )}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}

function Hint({ bar, props }: { bar: StackedBar; props: StackedBarsProps }) {
  const { series, format, totalName, nothingName } = props;
  const parts = series
    .map((it, at) => ({ ...it, amount: bar.values[at] ?? 0 }))
    .filter((it) => it.amount > 0)
    .toSorted((a, b) => b.amount - a.amount);
  const total = parts.reduce((sum, it) => sum + it.amount, 0);
  if (parts.length === 0)
    return <ChartHint title={bar.title} rows={[{ id: "0", name: nothingName, value: "" }]} />;
  const rows = parts
    .slice(0, HINTED)
    .map((it) => ({ id: it.id, name: it.name, value: format(it.amount), colour: it.colour }));
  return (
    <ChartHint
      title={bar.title}
      rows={rows.length > 1 ? [...rows, { id: " total", name: totalName, value: format(total) }] : rows}
    />
  );
}
