/** The organisation, its people and keys, and oneself. */
export const settingsRoutes = [] as const;
