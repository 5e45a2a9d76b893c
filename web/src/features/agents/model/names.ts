/** What stands in the addresses of agents. */
export const AGENT_STATES = ["active", "paused", "retired"] as const;

export const AGENT_TABS = ["overview", "versions", "try"] as const;
export type AgentTab = (typeof AGENT_TABS)[number];
