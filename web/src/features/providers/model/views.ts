export const MODEL_VIEWS = ["providers", "profiles", "settings"] as const;
export type ModelView = (typeof MODEL_VIEWS)[number];
