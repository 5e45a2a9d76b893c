/** What the record is narrowed to, as it stands in the address. */
export interface RecordFilter {
  kind?: string;
  actor?: string;
  tool?: string;
  run?: string;
  since?: Since;
}

export const SINCE = ["1h", "24h", "7d", "30d"] as const;
export type Since = (typeof SINCE)[number];

const HOUR = 3_600_000;
const lengths: Record<Since, number> = { "1h": HOUR, "24h": 24 * HOUR, "7d": 168 * HOUR, "30d": 720 * HOUR };

export const sinceOf = (since: Since, now: number) => new Date(now - lengths[since]).toISOString();
