/** What is said of API keys: when they end, and how they are used. */

export const EXPIRIES = ["7", "30", "90", "365", "never"] as const;
export type Expiry = (typeof EXPIRIES)[number];

const DAY_MS = 86_400_000;

/** The instant at which a key ends that is made now; null if it does not. */
export const expiresAt = (expiry: Expiry, now: number): string | null =>
  expiry === "never" ? null : new Date(now + Number(expiry) * DAY_MS).toISOString();

/** How near the end of a key is. */
export function ending(expires: string | null | undefined, now: number): "never" | "later" | "soon" | "over" {
  if (!expires) return "never";
  const left = Date.parse(expires) - now;
  if (left <= 0) return "over";
  return left < 7 * DAY_MS ? "soon" : "later";
}

/** A command that asks who the key is. */
export const tryOf = (origin: string, key: string) =>
  `curl -H "Authorization: Bearer ${key}" ${origin}/v1/me`;

export const gatewaysOf = (origin: string) => [`${origin}/gateway/openai/v1`, `${origin}/gateway/anthropic`];
