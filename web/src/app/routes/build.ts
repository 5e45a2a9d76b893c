/** Who acts, with what: agents, skills, tools, nodes. */
export const buildRoutes = [] as const;
