/** Bytes, SHA-256 and Ed25519 by Web Crypto. Browsers have it where a page came by HTTPS, or from this machine. */

export type Bytes = Uint8Array<ArrayBuffer>;

export const hasCrypto = () => globalThis.crypto?.subtle !== undefined;

export async function sha256(...parts: readonly Uint8Array[]): Promise<Bytes> {
  const whole = parts.length === 1 && parts[0] ? parts[0] : joined(parts);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole as Bytes));
}

function joined(parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, it) => sum + it.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text);

export const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (it) => it.toString(16).padStart(2, "0")).join("");

export function fromHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (it) => Number.parseInt(it, 16));
}

export const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** Undefined unless it is spelled as an encoder would. */
export function fromBase64(text: string): Bytes | undefined {
  try {
    const bytes = Uint8Array.from(atob(text), (it) => it.charCodeAt(0));
    return base64(bytes) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

export const isSameBytes = (a: Uint8Array, b: Uint8Array) =>
  a.length === b.length && a.every((it, at) => it === b[at]);

/** Whether the signature is the key's. Throws `NotSupportedError` where a browser has no Ed25519. */
export async function isSigned(key: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
}
