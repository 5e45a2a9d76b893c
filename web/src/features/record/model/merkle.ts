/** The record's tree: RFC 6962, section 2.1, with proofs of inclusion and of consistency. */
import { type Bytes, fromHex, isSameBytes, sha256 } from "./crypto";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

/** A leaf is made of the 32 raw bytes of an event's hash. */
export const leafOf = (digest: string) => sha256(LEAF, fromHex(digest.replace(/^sha256:/, "")));
const nodeOf = (left: Uint8Array, right: Uint8Array) => sha256(NODE, left, right);

/** A tree that grows to the right, as the roots of its perfect subtrees. */
export class Tree {
  size = 0;
  private peaks: Bytes[] = [];

  async push(leaf: Bytes) {
    let value = leaf;
    for (let place = this.size; place % 2 === 1; place = Math.floor(place / 2)) {
      const left = this.peaks.pop();
      if (left) value = await nodeOf(left, value);
    }
    this.peaks.push(value);
    this.size += 1;
  }

  async root(): Promise<Bytes> {
    const [last, ...rest] = [...this.peaks].reverse();
    if (!last) return sha256(new Uint8Array());
    let value = last;
    for (const peak of rest) value = await nodeOf(peak, value);
    return value;
  }
}

/** The largest power of two that is smaller than the size. */
function split(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

/** The root that a leaf and the hashes beside its way lead to; undefined if there are too many or too few. */
export async function rootByInclusion(
  leaf: Bytes,
  index: number,
  size: number,
  proof: readonly Bytes[],
): Promise<Bytes | undefined> {
  if (index >= size) return undefined;
  if (size === 1) return proof.length === 0 ? leaf : undefined;
  const beside = proof.at(-1);
  if (!beside) return undefined;
  const [half, rest] = [split(size), proof.slice(0, -1)];
  if (index < half) {
    const left = await rootByInclusion(leaf, index, half, rest);
    return left && nodeOf(left, beside);
  }
  const right = await rootByInclusion(leaf, index - half, size - half, rest);
  return right && nodeOf(beside, right);
}

/** Whether the newer tree begins with the older one. */
export async function isConsistent(
  old: { size: number; root: Bytes },
  now: { size: number; root: Bytes },
  proof: readonly Bytes[],
): Promise<boolean> {
  if (old.size < 1 || old.size > now.size) return false;
  const climb = async (
    from: number,
    to: number,
    isWhole: boolean,
    steps: readonly Bytes[],
  ): Promise<[Bytes, Bytes] | undefined> => {
    if (from === to) {
      if (isWhole) return steps.length === 0 ? [old.root, old.root] : undefined;
      const [only] = steps;
      return only && steps.length === 1 ? [only, only] : undefined;
    }
    const beside = steps.at(-1);
    if (!beside) return undefined;
    const [half, rest] = [split(to), steps.slice(0, -1)];
    if (from <= half) {
      const below = await climb(from, half, isWhole, rest);
      return below && [below[0], await nodeOf(below[1], beside)];
    }
    const below = await climb(from - half, to - half, false, rest);
    return below && [await nodeOf(beside, below[0]), await nodeOf(beside, below[1])];
  };
  const both = await climb(old.size, now.size, true, proof);
  return both !== undefined && isSameBytes(both[0], old.root) && isSameBytes(both[1], now.root);
}
