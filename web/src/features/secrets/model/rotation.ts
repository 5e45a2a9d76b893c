/** How far the newest rotation of the data key is, by what the record says of it. */
import type { RecordEvent } from "@/api/events";

export interface Rotation {
  version: number;
  at: string;
  user: string | undefined;
  /** How many values were sealed anew so far. */
  moved: number;
  /** How many old keys were destroyed since. */
  retired: number;
}

/** After how long an old key is destroyed, at the earliest. */
export const RETIRED_AFTER_MS = 3_600_000;

const number = (value: unknown) => (typeof value === "number" ? value : 0);

/** The events are those of kind `data_key.rotated`, the oldest first. */
export function rotationOf(events: readonly RecordEvent[]): Rotation | undefined {
  let newest: Rotation | undefined;
  for (const { at, actor, data } of events) {
    const { version, resealed, retired } = data;
    if (resealed === undefined && retired === undefined) {
      newest = { version: number(version), at, user: actor.user, moved: 0, retired: 0 };
    } else if (newest) {
      newest.moved += number(resealed);
      newest.retired += number(retired);
    }
  }
  return newest;
}

/** How long until the old key may be destroyed; 0 if it may be now. */
export const untilRetired = (rotation: Rotation, now: number) =>
  Math.max(0, Date.parse(rotation.at) + RETIRED_AFTER_MS - now);
