/**
 * What somebody has written and not saved yet. It outlives a reload and the way to other pages, in this tab
 * alone. A name has in it whose it is: see `useIdentity`.
 */
const PREFIX = "chancery.draft.";

export function kept(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

export function keep(name: string, value: unknown) {
  if (value === undefined) sessionStorage.removeItem(PREFIX + name);
  else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
}
