/** Keys and signed checkpoints: C2SP signed-note and tlog-checkpoint. */
import { type Bytes, fromBase64, hex, isSameBytes, isSigned, sha256, utf8 } from "./crypto";

export interface Key {
  vkey: string;
  name: string;
  id: Bytes;
  key: Bytes;
}

/** Reads `name+keyid+base64`; undefined if it is none, or its id is not that of its key. */
export async function keyOf(vkey: string): Promise<Key | undefined> {
  const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  const [, name, id, encoded] = found ?? [];
  const bytes = encoded ? fromBase64(encoded) : undefined;
  if (!name || !id || bytes?.length !== 33 || bytes[0] !== 1) return undefined;
  const expected = (await sha256(utf8(`${name}\n`), bytes)).slice(0, 4);
  return hex(expected) === id ? { vkey, name, id: expected, key: bytes.slice(1) } : undefined;
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
  /** What is signed. */
  text: string;
  signatures: { name: string; id: Bytes; signature: Bytes }[];
}

export function checkpointOf(note: string): Checkpoint | undefined {
  const end = note.indexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) return undefined;
  const text = note.slice(0, end + 1);
  const [origin, size, encoded, ...more] = text.slice(0, -1).split("\n");
  const root = encoded ? fromBase64(encoded) : undefined;
  if (!origin || !/^(?:0|[1-9]\d{0,15})$/.test(size ?? "") || root?.length !== 32 || more.length > 0)
    return undefined;
  const signatures: Checkpoint["signatures"] = [];
  for (const line of note.slice(end + 2, -1).split("\n")) {
    const [, name, blob] = /^— (\S+) (\S+)$/.exec(line) ?? [];
    const bytes = blob ? fromBase64(blob) : undefined;
    if (!name || !bytes || bytes.length < 5) return undefined;
    signatures.push({ name, id: bytes.slice(0, 4), signature: bytes.slice(4) });
  }
  return { origin, size: Number(size), root, text, signatures };
}

/** Whether the key signed: undefined if there is no signature in its name, false if there is a wrong one. */
export async function isSignedBy(checkpoint: Checkpoint, key: Key): Promise<boolean | undefined> {
  const own = checkpoint.signatures.filter((it) => it.name === key.name && isSameBytes(it.id, key.id));
  if (own.length === 0) return undefined;
  for (const { signature } of own) {
    if (signature.length !== 64 || !(await isSigned(key.key, signature, utf8(checkpoint.text)))) return false;
  }
  return true;
}
