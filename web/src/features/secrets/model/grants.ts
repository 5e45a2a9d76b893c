/** Who may use a secret, as choices that are not saved yet. */
import type { Grants } from "../api/secrets";

export const toggled = (all: readonly string[], one: string) =>
  all.includes(one) ? all.filter((it) => it !== one) : [...all, one];

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((it) => b.includes(it));

export const isSame = (a: Grants, b: Grants) => same(a.tools, b.tools) && same(a.agents, b.agents);

export interface Choice {
  id: string;
  name: string;
  note?: string | undefined;
}

/** The choices, with those that are granted though they are gone, so that nobody overlooks them. */
export function withGone(choices: readonly Choice[], granted: readonly string[], note: string): Choice[] {
  const known = new Set(choices.map((it) => it.id));
  const gone = granted.filter((it) => !known.has(it)).map((id) => ({ id, name: id, note }));
  return [...choices, ...gone];
}

/** Those that are granted stand first, so that they are in sight; what is only chosen stays where it is. */
export const grantedFirst = (choices: readonly Choice[], granted: readonly string[]) =>
  choices.toSorted((a, b) => Number(granted.includes(b.id)) - Number(granted.includes(a.id)));
