/** JSON that somebody writes by hand. Pure. */

export type Parsed =
  | { ok: true; value: Record<string, unknown> }
  /** What the browser says is wrong; nothing if it is JSON, but no object. */
  | { ok: false; message: string | undefined };

/** Reads a JSON object. */
export function parseObject(text: string): Parsed {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { ok: true, value } : { ok: false, message: undefined };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : undefined };
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The same however its members are ordered. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((it, at) => isSameJson(it, b[at]))
    );
  }
  if (!isObject(a) || !isObject(b)) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((it) => it in b && isSameJson(a[it], b[it]));
}
