import type { ReactNode } from "react";

export interface HintRow {
  id: string;
  name: string;
  value: string;
  colour?: string;
  dashed?: boolean;
}

/** What is said about the place of a chart that is pointed at, or that the arrow keys have reached. */
export function ChartHint({
  title,
  rows,
  foot,
}: {
  title: string;
  rows: readonly HintRow[];
  foot?: ReactNode;
}) {
  return (
    <div role="status" className="max-w-72 rounded-lg border bg-surface px-3 py-2 text-xs shadow-lg">
      <p className="mb-1 font-medium text-text">{title}</p>
      <table className="w-full">
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row" className="max-w-44 truncate py-0.5 pr-4 text-left font-normal text-muted">
                {row.colour && <Swatch colour={row.colour} className="mr-1.5" />}
                {row.name}
              </th>
              <td className="text-right text-text tabular-nums">{row.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {foot}
    </div>
  );
}

/** What the colours mean, where there is nothing to choose among them. */
export function ChartKey({
  label,
  series,
}: {
  label: string;
  series: readonly { id: string; name: string; colour: string }[];
}) {
  return (
    <ul aria-label={label} className="flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
      {series.map((it) => (
        <li key={it.id} className="flex min-w-0 items-center gap-1.5">
          <Swatch colour={it.colour} />
          <span className="min-w-0 break-words">{it.name}</span>
        </li>
      ))}
    </ul>
  );
}

export function Swatch({ colour, className }: { colour: string; className?: string }) {
  return (
    <span
      aria-hidden
      className={`inline-block size-2.5 shrink-0 rounded-[3px] align-[-1px] ${className ?? ""}`}
      style={{ background: colour }}
    />
  );
}
