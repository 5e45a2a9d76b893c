/** What stands in the addresses of tools. */
export const TOOL_KINDS = ["builtin", "http"] as const;

export const TOOL_TABS = ["overview", "policies", "try"] as const;
export type ToolTab = (typeof TOOL_TABS)[number];
