/** Canonical JSON, as `docs/record-format.md` defines it: RFC 8785, narrowed. Pure. */

/** Thrown where a value has no canonical form. */
export class NotCanonical extends Error {}

const DEEPEST = 65;

/**
 * A value's canonical form. JavaScript's own printing of strings and numbers is what RFC 8785 asks for,
 * and its order of strings, by UTF-16 code units, is that of members.
 */
export function canonical(value: unknown, left = DEEPEST): string {
  if (typeof value === "number") {
    const isTooLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
    if (!Number.isFinite(value) || isTooLarge) throw new NotCanonical("a number beyond 2^53");
    return JSON.stringify(value);
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (left === 0) throw new NotCanonical("nested too deep");
  if (Array.isArray(value)) return `[${value.map((it) => canonical(it, left - 1)).join(",")}]`;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([name, it]) => `${JSON.stringify(name)}:${canonical(it, left - 1)}`).join(",")}}`;
}
