/** Finding things by name or id among lists that are at hand. */
import type { t } from "@/strings";

export type FoundKind = Exclude<keyof typeof t.search.kinds, "go">;

export interface Thing {
  kind: FoundKind;
  id: string;
  name: string;
  detail?: string | undefined;
  /** Its page, as an address of this app. */
  href: string;
}

/** The order in which kinds stand where several have results. */
export const KINDS: readonly FoundKind[] = [
  "page",
  "chat",
  "agent",
  "run",
  "approval",
  "policy",
  "tool",
  "skill",
  "provider",
  "profile",
  "secret",
  "member",
  "node",
];

/** How well one word fits: the whole, a beginning, the beginning of a word, or somewhere; 0 if it doesn't. */
function closeness(text: string, word: string): number {
  if (text === word) return 4;
  const at = text.indexOf(word);
  if (at < 0) return 0;
  if (at === 0) return 3;
  return /[\p{L}\p{N}]/u.test(text[at - 1] ?? "") ? 1 : 2;
}

/** How well all words fit; the name counts more than what stands beside it. 0 if one word fits nowhere. */
export function score(thing: Thing, words: readonly string[]): number {
  const name = thing.name.toLowerCase();
  const beside = `${thing.detail ?? ""} ${thing.id}`.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const best = Math.max(closeness(name, word) * 2, closeness(beside, word));
    if (best === 0) return 0;
    sum += best;
  }
  return sum;
}

export const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

export interface Group {
  kind: FoundKind;
  things: Thing[];
}

/** What fits, best first, by kinds, at most so many of each. */
export function find(things: readonly Thing[], text: string, most: number): Group[] {
  const words = wordsOf(text);
  if (words.length === 0) return [];
  const scored = things
    .map((thing) => ({ thing, score: score(thing, words) }))
    .filter((it) => it.score > 0)
    .sort((a, b) => b.score - a.score);
  return KINDS.flatMap((kind): Group[] => {
    const ofKind = scored.filter((it) => it.thing.kind === kind).map((it) => it.thing);
    return ofKind.length > 0 ? [{ kind, things: ofKind.slice(0, most) }] : [];
  });
}
