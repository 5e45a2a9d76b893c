/**
 * Many lists, each with its newest first, as one: the server lists the events of one kind, and what is
 * wanted are those of many. A list is asked for more only when nothing newer can come from it any more.
 */

export interface Numbered {
  seq: number;
}

/** One of the lists: what it asks for next, and how far down it was read. */
export interface Lane {
  kind: string;
  cursor: string | undefined;
  low: number;
}

/** Where a page goes on: the lists that have more, and what was read and is not due yet. */
export interface Place<T> {
  lanes: readonly Lane[];
  held: readonly T[];
}

export const startOf = <T>(kinds: readonly string[]): Place<T> => ({
  lanes: kinds.map((kind) => ({ kind, cursor: undefined, low: Number.POSITIVE_INFINITY })),
  held: [],
});

type Read<T> = (
  kind: string,
  cursor: string | undefined,
) => Promise<{ items: T[]; next: string | undefined }>;

/** The next page of them all, with at least so many as long as there are. */
export async function nextPage<T extends Numbered>(place: Place<T>, read: Read<T>, least: number) {
  let lanes = [...place.lanes];
  let held = [...place.held];
  const items: T[] = [];
  while (items.length < least && lanes.length > 0) {
    const edge = Math.max(...lanes.map((it) => it.low));
    const due = lanes.filter((it) => it.low === edge);
    const answers = await Promise.all(due.map((it) => read(it.kind, it.cursor)));
    const further = due.flatMap((lane, at) => {
      const { items, next } = answers[at] ?? { items: [], next: undefined };
      held.push(...items);
      return next === undefined ? [] : [{ ...lane, cursor: next, low: items.at(-1)?.seq ?? lane.low }];
    });
    lanes = [...lanes.filter((it) => it.low !== edge), ...further];
    const safe = Math.max(0, ...lanes.map((it) => it.low));
    items.push(...held.filter((it) => it.seq >= safe));
    held = held.filter((it) => it.seq < safe);
  }
  items.push(...(lanes.length === 0 ? held.splice(0) : []));
  items.sort((a, b) => b.seq - a.seq);
  const next: Place<T> | undefined = lanes.length > 0 ? { lanes, held } : undefined;
  return { items, next };
}
