/**
 * What somebody has read. The server keeps no such thing, so it is kept in this browser, for each person in
 * each organisation: an instant up to which everything that happened is read, and single ids.
 */
import type { Notice } from "./notices";

export interface ReadState {
  until: string;
  ids: readonly string[];
}

/** Ids are kept for what is waiting and the like; more than these are long gone. */
const MOST_IDS = 400;

/** What waits or goes on is unread until it was seen, however old it is. */
const hasInstant = ({ kind, at }: Notice) => at !== undefined && kind !== "approval";

export const isRead = (notice: Notice, state: ReadState) =>
  state.ids.includes(notice.id) || (hasInstant(notice) && (notice.at ?? "") <= state.until);

export const withRead = (state: ReadState, ids: readonly string[]): ReadState => ({
  ...state,
  ids: [...new Set([...state.ids, ...ids])].slice(-MOST_IDS),
});

export function allRead(state: ReadState, notices: readonly Notice[], now: number): ReadState {
  const instants = [new Date(now).toISOString(), ...notices.map((it) => it.at ?? "")];
  const newest = instants.toSorted().at(-1) ?? "";
  const others = notices.filter((it) => !hasInstant(it)).map((it) => it.id);
  return withRead({ until: newest, ids: state.ids.filter((it) => others.includes(it)) }, others);
}

/** Reads what was kept; whoever comes for the first time has nothing unread of the past. */
export function readStateOf(kept: string | null, now: number): ReadState {
  try {
    const it = JSON.parse(kept ?? "") as Partial<ReadState>;
    if (typeof it.until === "string" && Array.isArray(it.ids)) {
      return { until: it.until, ids: it.ids.filter((id) => typeof id === "string") };
    }
  } catch {
    // What can't be read is as if it was not there.
  }
  return { until: new Date(now).toISOString(), ids: [] };
}

/** The notices that a look at this address reads. */
export const seenAt = (address: string, notices: readonly Notice[]) =>
  notices.filter((it) => it.about.some((id) => address.includes(id))).map((it) => it.id);
