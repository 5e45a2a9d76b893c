/**
 * Verifies an export of the record in the browser, by `docs/record-format.md`, without asking the server
 * about anything that it hands over: every hash, the chain, the tree, the signature, and that the record
 * goes on from where this browser saw it last.
 */
import { Unreachable } from "@/api/problem";
import { canonical } from "./canonical";
import { type Bytes, fromBase64, hex, isSameBytes, sha256, utf8 } from "./crypto";
import { isConsistent, leafOf, rootByInclusion, Tree } from "./merkle";
import { type Checkpoint, checkpointOf, isSignedBy, type Key, keyOf } from "./note";

type Reason =
  | "malformed_line"
  | "hash_mismatch"
  | "malformed_event"
  | "foreign_org"
  | "gap"
  | "duplicate"
  | "broken_chain"
  | "beyond_range"
  | "truncated"
  | "bad_checkpoint"
  | "bad_rotation"
  | "bad_signature"
  | "unknown_key"
  | "wrong_root"
  | "rolled_back"
  | "forked";

/** The first thing that is wrong. */
export class Fault extends Error {
  constructor(
    readonly reason: Reason,
    readonly seq?: number,
  ) {
    super(reason);
  }
}

/** What was kept of an earlier look: the key that was trusted then, and a checkpoint as a witness. */
export interface Kept {
  vkey: string;
  note: string;
}

export interface Verified {
  events: number;
  checkpoint: Checkpoint;
  note: string;
  /** The key that signed it and is trusted: the one that was kept, or what the record leads to from there. */
  key: string;
  /** Up to which event an earlier look bears witness; none at the first one. */
  witnessed: number | undefined;
}

/** What the first event holds on to. */
export const GENESIS = `sha256:${"0".repeat(64)}`;
const LINE = /^\{"event":(.*),"hash":"(sha256:[0-9a-f]{64})"\}$/s;

interface Head {
  org: string;
  from: number;
  to: number;
  keys: string[];
}

interface Event {
  seq: number;
  org: string;
  prev: string;
  kind: string;
  data: Record<string, unknown>;
}

/** What an export has to be of: whose record, and what was kept of it. */
interface Expected {
  org: string;
  kept: Kept | undefined;
}

/** Goes through an export, line by line. `onProgress` is told how far it has come. */
export async function verifyExport(
  lines: AsyncIterable<string>,
  { org, kept }: Expected,
  onProgress: (done: number, of: number) => void = () => undefined,
): Promise<Verified> {
  const source = lines[Symbol.asyncIterator]();
  const next = async () => {
    const { done, value } = await source.next();
    return done ? undefined : value;
  };
  const head = headOf(await next());
  if (head.org !== org) throw new Fault("foreign_org");
  const witness = kept ? checkpointOf(kept.note) : undefined;
  const tree = new Tree();
  let witnessedRoot: Bytes | undefined;
  let previous = GENESIS;
  const announcements: Event[] = [];
  for (let seq = 1; seq <= head.to; seq += 1) {
    const line = await next();
    if (line === undefined) throw new Fault("truncated", seq);
    const { event, hash } = await eventOf(line, seq, head);
    if (event.prev !== previous) throw new Fault("broken_chain", seq);
    previous = hash;
    if (event.kind === "log.key_rotated") announcements.push(event);
    await tree.push(await leafOf(hash));
    if (witness && tree.size === witness.size) witnessedRoot = await tree.root();
    if (seq % 250 === 0 || seq === head.to) onProgress(seq, head.to);
  }
  const closing = closingOf(await next());
  if ((await next()) !== undefined) throw new Fault("malformed_line");
  const checkpoint = checkpointOf(closing.note);
  if (!checkpoint || checkpoint.size < head.to) throw new Fault("bad_checkpoint");
  if (checkpoint.origin !== `chancery/log/${head.org}`) throw new Fault("foreign_org");
  const key = await trustedKey(head, closing.rotations, announcements, checkpoint, kept?.vkey);
  await checkSignature(checkpoint, key);
  if (checkpoint.size > head.to) throw new Fault("truncated", head.to + 1);
  if (!isSameBytes(await tree.root(), checkpoint.root)) throw new Fault("wrong_root");
  if (witness) {
    if (checkpoint.size < witness.size) throw new Fault("rolled_back");
    if (!witnessedRoot || !isSameBytes(witnessedRoot, witness.root)) throw new Fault("forked");
  }
  return { events: head.to, checkpoint, note: closing.note, key: key.vkey, witnessed: witness?.size };
}

function parsed(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Falls through to the fault.
  }
  throw new Fault("malformed_line");
}

function headOf(line: string | undefined): Head {
  const it = parsed(line);
  const isHead =
    it.chancery_export === 1 &&
    typeof it.org === "string" &&
    it.from_seq === 1 &&
    Number.isSafeInteger(it.to_seq) &&
    Array.isArray(it.keys);
  if (!isHead) throw new Fault("malformed_line");
  return { org: it.org as string, from: 1, to: it.to_seq as number, keys: it.keys as string[] };
}

/** The hash is over the bytes as they came; they also have to be the canonical form of an event. */
async function eventOf(line: string, seq: number, head: Head): Promise<{ event: Event; hash: string }> {
  const [, raw, hash] = LINE.exec(line) ?? [];
  if (raw === undefined || !hash) throw new Fault("malformed_line", seq);
  if (`sha256:${hex(await sha256(utf8(raw)))}` !== hash) throw new Fault("hash_mismatch", seq);
  const event = canonicalEvent(raw);
  if (!event) throw new Fault("malformed_event", seq);
  if (event.org !== head.org) throw new Fault("foreign_org", seq);
  if (event.seq > seq) throw new Fault("gap", seq);
  if (event.seq < seq) throw new Fault("duplicate", seq);
  return { event, hash };
}

function canonicalEvent(raw: string): Event | undefined {
  try {
    const event = JSON.parse(raw) as Event & { v: unknown; data: unknown };
    const isEvent =
      event.v === 1 &&
      Number.isSafeInteger(event.seq) &&
      typeof event.kind === "string" &&
      typeof event.data === "object" &&
      canonical(event) === raw;
    return isEvent ? event : undefined;
  } catch {
    return undefined;
  }
}

interface Rotation {
  event: string;
  inclusion: Bytes[];
  consistency: Bytes[];
  note: string;
}

function closingOf(line: string | undefined): { note: string; rotations: Rotation[] } {
  if (line === undefined) throw new Fault("truncated");
  const it = parsed(line);
  if (typeof it.checkpoint !== "string") throw new Fault("malformed_line");
  const rotations = Array.isArray(it.rotations) ? it.rotations : [];
  return { note: it.checkpoint, rotations: rotations.map(rotationOf) };
}

function rotationOf(value: Record<string, unknown>): Rotation {
  const { event, note } = value;
  if (typeof event !== "string" || typeof note !== "string") throw new Fault("bad_rotation");
  return { event, note, inclusion: proofOf(value.inclusion), consistency: proofOf(value.consistency) };
}

/** A proof as the API and exports write it. */
export function proofOf(value: unknown): Bytes[] {
  const steps = Array.isArray(value) ? value : [];
  return steps.map((it) => {
    const bytes = typeof it === "string" ? fromBase64(it) : undefined;
    if (bytes?.length !== 32) throw new Fault("bad_rotation");
    return bytes;
  });
}

/** The key that is good for the checkpoint: the one that is trusted, or what follows from it. */
async function trustedKey(
  head: Head,
  rotations: readonly Rotation[],
  announcements: readonly Event[],
  checkpoint: Checkpoint,
  anchor: string | undefined,
): Promise<Key> {
  const keys = await Promise.all(head.keys.map(keyOf));
  if (keys.length === 0 || keys.some((it) => it === undefined)) throw new Fault("bad_rotation");
  const known = keys as Key[];
  if (known.some((it) => it.name !== checkpoint.origin)) throw new Fault("foreign_org");
  const isWhole = rotations.length === known.length - 1 && announcements.length === rotations.length;
  if (!isWhole) throw new Fault("bad_rotation", announcements[0]?.seq);
  const first = anchor === undefined ? 0 : known.findIndex((it) => it.vkey === anchor);
  if (first < 0) throw new Fault("unknown_key");
  let newest = first;
  for (let at = 0; at < rotations.length; at += 1) {
    const [rotation, from, to] = [rotations[at], known[at], known[at + 1]];
    if (!rotation || !from || !to) throw new Fault("bad_rotation");
    await checkRotation(rotation, from, to, head.org, checkpoint);
    if (at >= first) newest = at + 1;
  }
  const last = known[newest];
  if (!last) throw new Fault("bad_rotation");
  return last;
}

async function checkRotation(it: Rotation, from: Key, to: Key, org: string, checkpoint: Checkpoint) {
  const bad = () => new Fault("bad_rotation");
  const event = canonicalEvent(it.event);
  const handover = checkpointOf(it.note);
  if (!event || event.org !== org || event.kind !== "log.key_rotated" || !handover) throw bad();
  const announced = canonical({ new_key: to.vkey, old_key: from.vkey });
  if (canonical(event.data) !== announced || handover.origin !== from.name) throw bad();
  if (!(await isSignedBy(handover, from)) || !(await isSignedBy(handover, to))) throw bad();
  const leaf = await leafOf(hex(await sha256(utf8(it.event))));
  const root = await rootByInclusion(leaf, event.seq - 1, handover.size, it.inclusion);
  if (!root || !isSameBytes(root, handover.root)) throw bad();
  if (!(await isConsistent(handover, checkpoint, it.consistency))) throw bad();
}

async function checkSignature(checkpoint: Checkpoint, key: Key) {
  const isGood = await isSignedBy(checkpoint, key);
  if (isGood === undefined) throw new Fault("unknown_key");
  if (!isGood) throw new Fault("bad_signature");
}

/** The bytes stopped coming: that says nothing of the record. */
function cutOff(error: unknown): never {
  if (error instanceof DOMException && error.name === "AbortError") throw error;
  throw new Unreachable(error);
}

/** The lines of a stream of bytes, each without its newline. A line that is not ended is none. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const reader = stream.getReader();
  let rest = "";
  const text = (value?: Uint8Array) => {
    try {
      return value ? decoder.decode(value, { stream: true }) : decoder.decode();
    } catch {
      throw new Fault("malformed_line");
    }
  };
  for (;;) {
    const { done, value } = await reader.read().catch(cutOff);
    rest += text(value);
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
    if (!done) continue;
    if (rest !== "") throw new Fault("truncated");
    return;
  }
}
