/**
 * Time as place on the axis of a waterfall. Pure.
 *
 * A run that works for a second and waits for a person for a day has nothing to see on an even axis. So
 * a stretch in which nothing but waiting happens is drawn at most as long as a part of all the work.
 */
import type { Timeline } from "./timeline";

/** A stretch that is drawn shorter than it was. */
export interface Shortened {
  /** Where it lies, from 0 to 1. */
  from: number;
  to: number;
  ms: number;
}

export interface Scale {
  /** The place of an instant, from 0 to 1. */
  at(time: number): number;
  shortened: Shortened[];
  ms: number;
}

/** At most this part of the work's length is drawn for one stretch of waiting. */
const WAITING_PART = 0.3;
const LEAST_MS = 1;

export function scaleOf(timeline: Timeline, now: number): Scale {
  const from = timeline.from;
  const to = Math.max(timeline.to ?? now, from + LEAST_MS);
  const working = merged(
    timeline.rows.flatMap((row) =>
      row.segments
        .filter((it) => it.kind === "work")
        .map((it): [number, number] => [clamp(it.from, from, to), clamp(it.to ?? now, from, to)]),
    ),
  );
  const work = working.reduce((sum, [a, b]) => sum + (b - a), 0);
  const edges = [from, ...working.flat(), to];
  const most = Math.max(work, LEAST_MS) * WAITING_PART;
  const pieces: { from: number; to: number; drawn: number }[] = [];
  for (let at = 0; at + 1 < edges.length; at += 1) {
    const [a, b] = [edges[at] ?? 0, edges[at + 1] ?? 0];
    if (b <= a) continue;
    const isWork = at % 2 === 1;
    pieces.push({ from: a, to: b, drawn: isWork || work === 0 ? b - a : Math.min(b - a, most) });
  }
  const whole = pieces.reduce((sum, it) => sum + it.drawn, 0) || 1;
  const starts: number[] = [];
  let sum = 0;
  for (const piece of pieces) {
    starts.push(sum / whole);
    sum += piece.drawn;
  }
  const place = (time: number) => {
    const inside = clamp(time, from, to);
    const index = Math.max(
      0,
      pieces.findLastIndex((it) => it.from <= inside),
    );
    const piece = pieces[index];
    if (!piece) return 0;
    const part = (inside - piece.from) / (piece.to - piece.from);
    return Math.min(1, (starts[index] ?? 0) + (part * piece.drawn) / whole);
  };
  const shortened = pieces.flatMap((it, index) =>
    it.drawn < (it.to - it.from) * 0.99
      ? [{ from: starts[index] ?? 0, to: (starts[index] ?? 0) + it.drawn / whole, ms: it.to - it.from }]
      : [],
  );
  return { at: place, shortened, ms: to - from };
}

const clamp = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value));

function merged(stretches: [number, number][]): [number, number][] {
  const sorted = [...stretches].sort((a, b) => a[0] - b[0]);
  const out: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = out.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to]);
  }
  return out;
}
