/** What was tried with an agent in this tab, so that one version can be held against the one before. */
import { isObject } from "@/lib/json";
import { keep, kept } from "@/lib/kept";

export interface Try {
  run: string;
  version: number;
  question: string;
}

const MOST = 12;
const key = (who: string, agentId: string) => `tries.${who}.${agentId}`;

export function triesOf(who: string, agentId: string): Try[] {
  const value = kept(key(who, agentId));
  return Array.isArray(value) ? value.filter(isTry) : [];
}

const isTry = (it: unknown): it is Try =>
  isObject(it) &&
  typeof it.run === "string" &&
  typeof it.version === "number" &&
  typeof it.question === "string";

/** The newest first. */
export function addTry(who: string, agentId: string, one: Try): Try[] {
  const tries = [one, ...triesOf(who, agentId).filter((it) => it.run !== one.run)].slice(0, MOST);
  keep(key(who, agentId), tries);
  return tries;
}

/** The latest try of the same question by another version: what a new one is best compared with. */
export const rivalOf = (one: Try, tries: readonly Try[]) =>
  tries.find((it) => it.run !== one.run && it.question === one.question && it.version !== one.version) ??
  tries.find((it) => it.run !== one.run && it.question === one.question);
