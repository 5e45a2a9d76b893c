/** What stands in the addresses of runs. */
export const RUN_TABS = ["timeline", "events", "answer"] as const;
export type RunTab = (typeof RUN_TABS)[number];

export const REPLAY_MODES = ["same", "policies", "model"] as const;
export type ReplayMode = (typeof REPLAY_MODES)[number];
