/** Proves one event to the person who looks at it: from its bytes to what the log's key signed. */
import { canonical } from "./canonical";
import { base64, hex, isSameBytes, sha256, utf8 } from "./crypto";
import { leafOf, rootByInclusion } from "./merkle";
import { checkpointOf, isSignedBy, keyOf } from "./note";
import { proofOf } from "./verify";

export interface Proof {
  /** The hash over the event's canonical bytes, computed here. */
  hash: string;
  isHash: boolean;
  leaf: string;
  /** The hashes beside the way, and the root that they lead to. */
  path: string[];
  root: string;
  isRoot: boolean;
  signedBy: string | undefined;
  size: number;
}

interface Given {
  seq: number;
  event: unknown;
  hash: string;
  proof: readonly string[];
  note: string;
  keys: readonly string[];
}

export async function prove({ seq, event, hash, proof, note, keys }: Given): Promise<Proof> {
  const computed = `sha256:${hex(await sha256(utf8(canonical(event))))}`;
  const checkpoint = checkpointOf(note);
  const leaf = await leafOf(computed);
  const root = checkpoint && (await rootByInclusion(leaf, seq - 1, checkpoint.size, proofOf(proof)));
  let signedBy: string | undefined;
  for (const vkey of keys) {
    const key = await keyOf(vkey);
    if (key && checkpoint && (await isSignedBy(checkpoint, key))) signedBy = vkey;
  }
  return {
    hash: computed,
    isHash: computed === hash,
    leaf: hex(leaf),
    path: [...proof],
    root: root ? base64(root) : "",
    isRoot: Boolean(root && checkpoint && isSameBytes(root, checkpoint.root)),
    signedBy,
    size: checkpoint?.size ?? 0,
  };
}
