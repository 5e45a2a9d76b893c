/** Proves one event to the person who looks at it: from its bytes to what the log's key signed. */
import { fields } from "@/lib/fields";
import { canonical, NotCanonical } from "./canonical";
import { base64, hex, isSameBytes, sha256, utf8 } from "./crypto";
import { leafOf, rootByInclusion } from "./merkle";
import { type Checkpoint, checkpointOf, isSignedBy, type Key, keyOf } from "./note";
import { Fault, GENESIS, proofOf } from "./verify";

/**
 * Whose signature stands below the root: of the key that this browser remembers; of one that the server
 * names, where none is remembered; of another one than is remembered; nobody's that could be checked.
 */
export type Signed = "kept" | "served" | "other" | "none" | "unsupported";

export interface Proof {
  /** Whether it is the event of this number, of this organisation, and the checkpoint is of its log. */
  isOwn: boolean;
  /** The hash over the event's canonical bytes, computed here; none if it has no canonical form. */
  hash: string | undefined;
  isHash: boolean;
  /** The hash that it says the event before it has, and whether that one has it. */
  prev: string;
  isChained: boolean;
  /** The hashes beside the way, and the root that they lead to. */
  path: string[];
  root: string;
  isRoot: boolean;
  signed: Signed;
  signedBy: string | undefined;
  size: number;
}

export interface Given {
  org: string;
  seq: number;
  event: unknown;
  hash: string;
  /** The event before it; none before the first. */
  before: unknown;
  proof: readonly string[];
  note: string;
  /** The keys that the server names, and the one that this browser remembers. */
  keys: readonly string[];
  kept: string | undefined;
}

export async function prove(given: Given): Promise<Proof> {
  const { org, seq, event, proof, note } = given;
  const { org: ownOrg, seq: ownSeq, prev } = fields(event);
  const hash = await hashOf(event);
  const checkpoint = checkpointOf(note);
  const root = hash && checkpoint && (await rootOf(hash, seq, checkpoint, proof));
  const isOwn = ownOrg === org && ownSeq === seq && checkpoint?.origin === `chancery/log/${org}`;
  return {
    isOwn,
    hash,
    isHash: hash === given.hash,
    prev: typeof prev === "string" ? prev : "",
    isChained: prev === (seq === 1 ? GENESIS : await hashOf(given.before)),
    path: [...proof],
    root: root ? base64(root) : "",
    isRoot: Boolean(root && checkpoint && isSameBytes(root, checkpoint.root)),
    size: checkpoint?.size ?? 0,
    ...(await signatureOf(checkpoint, given.keys, given.kept)),
  };
}

async function hashOf(event: unknown): Promise<string | undefined> {
  if (event === undefined || event === null) return undefined;
  try {
    return `sha256:${hex(await sha256(utf8(canonical(event))))}`;
  } catch (error) {
    if (error instanceof NotCanonical) return undefined;
    throw error;
  }
}

async function rootOf(hash: string, seq: number, checkpoint: Checkpoint, proof: readonly string[]) {
  try {
    return await rootByInclusion(await leafOf(hash), seq - 1, checkpoint.size, proofOf(proof));
  } catch (error) {
    // What is no proof leads nowhere.
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

async function signatureOf(
  checkpoint: Checkpoint | undefined,
  served: readonly string[],
  kept: string | undefined,
): Promise<Pick<Proof, "signed" | "signedBy">> {
  if (!checkpoint) return { signed: "none", signedBy: undefined };
  try {
    if (kept !== undefined && (await hasSigned(checkpoint, kept))) return { signed: "kept", signedBy: kept };
    for (const vkey of served) {
      if (vkey !== kept && (await hasSigned(checkpoint, vkey)))
        return { signed: kept === undefined ? "served" : "other", signedBy: vkey };
    }
    return { signed: "none", signedBy: undefined };
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError")
      return { signed: "unsupported", signedBy: undefined };
    throw error;
  }
}

/** Only a key of this log counts. */
async function hasSigned(checkpoint: Checkpoint, vkey: string): Promise<boolean> {
  const key: Key | undefined = await keyOf(vkey);
  return key?.name === checkpoint.origin && (await isSignedBy(checkpoint, key)) === true;
}
