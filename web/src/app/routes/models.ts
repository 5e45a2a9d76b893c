/** Models, what they may cost, and what they did cost. */
export const modelsRoutes = [] as const;
