/** Mentions while somebody writes, by the server's rule for names. Pure. */

/** `Release Notes` is mentioned as `release-notes`. */
export const mentionName = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "");

/** The beginning of a mention that the caret stands in. */
export function mentionAt(text: string, caret: number): { from: number; query: string } | undefined {
  const found = /(?:^|\s)@([\p{L}\p{N}-]*)$/u.exec(text.slice(0, caret));
  const query = found?.[1];
  return query === undefined ? undefined : { from: caret - query.length - 1, query: query.toLowerCase() };
}

/** The text with a mention in place of its beginning, and where the caret stands then. */
export function completed(text: string, caret: number, name: string): { text: string; caret: number } {
  const begun = mentionAt(text, caret);
  if (!begun) return { text, caret };
  const before = `${text.slice(0, begun.from)}@${mentionName(name)} `;
  return { text: before + text.slice(caret), caret: before.length };
}
