/** Amounts over time as lines, with limits across and estimates dashed. Loaded lazily, as `StackedBars`. */
import {
  CartesianGrid,
  Line,
  LineChart,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts";
import { ChartHint } from "./ChartHint";
import { axisText, ticks } from "./chart";

export interface LineSeries {
  id: string;
  name: string;
  colour: string;
  /** What is not known but estimated. */
  dashed?: boolean;
  /** One amount for each place; none where there is nothing to say. */
  values: readonly (number | undefined)[];
}

export interface LinesProps {
  label: string;
  places: readonly { label: string; title: string }[];
  series: readonly LineSeries[];
  limits?: readonly { id: string; name: string; value: number }[];
  format(value: number): string;
  tick(value: number): string;
  nothingName: string;
  height?: number;
  /** The axis reaches at least this far. */
  least?: number;
  /** Which places the axis names; those that fit where none are said. */
  ticks?: readonly number[] | undefined;
}

export default function Lines(props: LinesProps) {
  const { label, places, series, limits = [], format, tick, nothingName } = props;
  const { height = 240, least = 0, ticks: named } = props;
  const data = places.map((_, at) => ({
    at,
    ...Object.fromEntries(series.map((it, s) => [`s${s}`, it.values[at] ?? null])),
  }));
  const highest = Math.max(
    least,
    ...limits.map((it) => it.value),
    ...series.flatMap((it) => it.values.map((value) => value ?? 0)),
  );
  const marks = ticks(highest);
  const rowsAt = (at: number) =>
    series.flatMap((it) => {
      const value = it.values[at];
      return value === undefined
        ? []
        : [{ id: it.id, name: it.name, value: format(value), colour: it.colour }];
    });
  return (
    <div className="overflow-x-clip select-none">
      <ResponsiveContainer width="100%" height={height}>
        <LineChart data={data} margin={{ top: 12, right: 12, bottom: 0, left: 0 }} aria-label={label}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="at"
            {...(named ? { ticks: [...named] } : {})}
            tickFormatter={(at: number) => places[at]?.label ?? ""}
            tick={axisText}
            tickLine={false}
            axisLine={{ stroke: "var(--line)" }}
            interval="preserveStartEnd"
            minTickGap={24}
          />
          <YAxis
            width={52}
            tick={axisText}
            tickLine={false}
            axisLine={false}
            ticks={marks}
            domain={[0, marks.at(-1) || 1]}
            tickFormatter={tick}
          />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: "var(--line-strong)" }}
            content={({ active, activeIndex }) => {
              const place = places[Number(activeIndex)];
              if (!active || !place) return null;
              const rows = rowsAt(Number(activeIndex));
              const said = rows.length > 0 ? rows : [{ id: "none", name: nothingName, value: "" }];
              return <ChartHint title={place.title} rows={said} />;
            }}
          />
          {limits.map((it) => (
            <ReferenceLine
              key={it.id}
              y={it.value}
              stroke="var(--bad)"
              strokeWidth={1.5}
              strokeDasharray="2 3"
              label={{ value: it.name, position: "insideTopLeft", fill: "var(--bad)", fontSize: 11 }}
            />
          ))}
          {series.map((it, at) => (
            <Line
              key={it.id}
              dataKey={`s${at}`}
              stroke={it.colour}
              strokeWidth={2}
              {...(it.dashed ? { strokeDasharray: "5 4" } : {})}
              // A single amount is no line.
              dot={it.values.filter((value) => value !== undefined).length <= 1 ? { r: 3 } : false}
              activeDot={{ r: 4 }}
              isAnimationActive={false}
              connectNulls
              name={it.name}
            />
          ))}
        </LineChart>
      </ResponsiveContainer>
    </div>
  );
}
