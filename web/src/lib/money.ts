/** Dollars as people type them, in millionths. Pure. */

/** More than every reader of JSON keeps exactly is no amount. */
const MOST = 9_000_000_000;

/** `20`, `$1,000.50`; null for an empty field, undefined for what is no amount. At most six digits behind the point. */
export function parseDollars(text: string): number | null | undefined {
  const bare = text.trim().replace(/^\$\s*/, "");
  if (text.trim() === "") return null;
  if (!/^(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d{1,6})?$/.test(bare) || !/\d/.test(bare)) return undefined;
  const [whole = "", part = ""] = bare.replaceAll(",", "").split(".");
  const dollars = Number(whole || "0");
  if (dollars > MOST) return undefined;
  return dollars * 1_000_000 + Number(part.padEnd(6, "0"));
}

/** An amount as it is typed: `20`, `0.5`, `1000.25`. */
export function typedDollars(micros: number | null | undefined): string {
  if (micros === null || micros === undefined) return "";
  const whole = Math.floor(micros / 1_000_000);
  const part = String(micros % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return part === "" ? String(whole) : `${whole}.${part.length === 1 ? `${part}0` : part}`;
}

/** A whole number as it is typed: `60`, `1,000`, `20k`, `1.5M`; null for an empty field. */
export function parseCount(text: string): number | null | undefined {
  const bare = text.trim().replaceAll(",", "").replaceAll(" ", "");
  if (bare === "") return null;
  const found = /^(\d+(?:\.\d+)?)([kKmM]?)$/.exec(bare);
  if (!found) return undefined;
  const times = { "": 1, k: 1000, m: 1_000_000 }[(found[2] ?? "").toLowerCase()] ?? 1;
  const amount = Number(found[1]) * times;
  return Number.isSafeInteger(Math.round(amount)) && Math.abs(amount - Math.round(amount)) < 1e-6
    ? Math.round(amount)
    : undefined;
}
