/** What a test of a provider found, as the steps that a call goes through. Pure. */
import type { ProviderKind } from "../api/providers";

export const STEPS = ["setup", "address", "connect", "tls", "api", "key", "answer"] as const;
export type Step = (typeof STEPS)[number];

const failsAt: Record<string, Step> = {
  PROVIDER_UNUSABLE: "setup",
  EGRESS_DNS_FAILED: "address",
  EGRESS_ADDRESS_REFUSED: "address",
  EGRESS_CONNECT_FAILED: "connect",
  EGRESS_TIMEOUT: "connect",
  EGRESS_TLS: "tls",
  PROVIDER_TIMEOUT: "api",
  PROVIDER_NOT_HTTP: "api",
  PROVIDER_HANGS_UP: "api",
  PROVIDER_NOT_AN_API: "api",
  PROVIDER_REDIRECTS: "api",
  PROVIDER_KEY_REFUSED: "key",
  PROVIDER_KEY_NOT_ALLOWED: "key",
};

export type StepState = "ok" | "bad" | "unknown";

/** The steps that this provider has, each with how it went. What comes after a failure was not tried. */
export function stepsOf(
  provider: { type: ProviderKind; base_url?: string | null },
  code: string | undefined,
): { step: Step; state: StepState }[] {
  const isPlain = provider.base_url?.startsWith("http://") === true;
  const steps = STEPS.filter((it) =>
    provider.type !== "scripted" ? it !== "tls" || !isPlain : it === "setup" || it === "answer",
  );
  const bad = code === undefined ? undefined : steps.indexOf(failsAt[code] ?? "answer");
  return steps.map((step, at) => ({
    step,
    state: bad === undefined || at < bad ? "ok" : at === bad ? "bad" : "unknown",
  }));
}

/** Where a kind usually is; none where it has to be written. */
export const usualAddress: Partial<Record<ProviderKind, string>> = {
  anthropic: "https://api.anthropic.com/v1",
  openai: "https://api.openai.com/v1",
  gemini: "https://generativelanguage.googleapis.com/v1beta",
  openrouter: "https://openrouter.ai/api/v1",
};

export const KINDS: readonly ProviderKind[] = [
  "anthropic",
  "openai",
  "gemini",
  "bedrock",
  "azure_openai",
  "openrouter",
  "openai_compatible",
  "scripted",
];

/** Whether it answers nobody without a key. */
export const needsKey = (kind: ProviderKind) => kind !== "openai_compatible" && kind !== "scripted";

export const isName = (name: string) => /^[A-Za-z0-9._-]{1,100}$/.test(name);

/** A name for a secret that none has yet: `NAME-key`, `NAME-key-2`, … */
export function freeName(name: string, taken: readonly string[]): string {
  const first = `${name}-key`;
  if (!taken.includes(first)) return first;
  let number = 2;
  while (taken.includes(`${first}-${number}`)) number += 1;
  return `${first}-${number}`;
}

/** What a script is, or undefined if the text is no JSON object. The server says what else is wrong. */
export function scriptOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
