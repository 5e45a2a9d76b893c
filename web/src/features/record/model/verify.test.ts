// @vitest-environment node
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { canonical } from "./canonical";
import { base64, hex } from "./crypto";
import { type Given, prove } from "./inclusion";
import { isConsistent, leafOf, rootByInclusion, Tree } from "./merkle";
import { checkpointOf, isSignedBy, keyOf } from "./note";
import { Fault, type Kept, verifyExport } from "./verify";

/** The vectors are part of the format, so they are read from where it is defined. */
const document = readFileSync(new URL("../../../../../docs/record-format.md", import.meta.url), "utf8");
const vectors = document
  .slice(document.indexOf("<!-- vectors begin -->"))
  .split("\n")
  .filter((it) => it.startsWith("    "))
  .map((it) => it.slice(4));
const exported = vectors.slice(vectors.findIndex((it) => it.startsWith('{"chancery_export"')));
const hashes = vectors.filter((it) => /^sha256:[0-9a-f]{64}$/.test(it)).slice(0, 3);
const vkeys = [...new Set(document.match(/chancery\/log\/\S+?\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}/g))];

async function* each(lines: readonly string[]) {
  yield* lines;
}
const org = /"org":"(org_[0-9a-f-]+)"/.exec(exported[0] ?? "")?.[1] ?? "";
const verify = (lines: readonly string[], kept?: Kept, of = org) =>
  verifyExport(each(lines), { org: of, kept });
const reason = (lines: readonly string[], kept?: Kept, of = org) =>
  verify(lines, kept, of).then(
    () => "ok",
    (error) => (error instanceof Fault ? [error.reason, error.seq] : error),
  );
const changed = (at: number, from: string | RegExp, to: string) =>
  exported.map((line, index) => (index === at ? line.replace(from, to) : line));

test("the tree of the vectors has their roots", async () => {
  const tree = new Tree();
  const roots = [hex(await tree.root())];
  for (const hash of hashes) {
    await tree.push(await leafOf(hash));
    roots.push(hex(await tree.root()));
  }
  const at = vectors.indexOf("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect(roots).toEqual(vectors.slice(at, at + 4));
});

test("the export of the vectors is sound", async () => {
  const verified = await verify(exported);
  expect(verified.events).toBe(2);
  expect(verified.checkpoint.size).toBe(2);
  expect(verified.witnessed).toBeUndefined();
  expect(vkeys).toContain(verified.key);
});

test("every change is found, and named by where it shows", async () => {
  expect(await reason(changed(1, "0.25", "0.26"))).toEqual(["hash_mismatch", 1]);
  expect(await reason(exported.filter((_, at) => at !== 1))).toEqual(["gap", 1]);
  expect(await reason(exported.toSpliced(2, 0, exported[1] ?? ""))).toEqual(["duplicate", 2]);
  expect(await reason(exported.slice(0, 2))).toEqual(["truncated", 2]);
  expect(await reason(exported.slice(0, 3))).toEqual(["truncated", undefined]);
  expect(await reason([...exported, "{}"])).toEqual(["malformed_line", undefined]);
  expect(await reason(changed(0, "chancery_export", "export"))).toEqual(["malformed_line", undefined]);
  expect(await reason(changed(3, "zK+O", "zK+P"))).toEqual(["bad_signature", undefined]);
  expect(await reason(changed(3, "\\n2\\n", "\\n1\\n"))).toEqual(["bad_checkpoint", undefined]);
  // Whole and signed, and of somebody else.
  expect(await reason(exported, undefined, org.replace(/.$/, "0"))).toEqual(["foreign_org", undefined]);
});

test("a record that goes another way than it was seen to is found out", async () => {
  const [vkey = "", other = ""] = vkeys;
  const { note } = await verify(exported);
  expect(await reason(exported, { vkey, note })).toBe("ok");
  expect(await reason(exported, { vkey: other, note })).toEqual(["unknown_key", undefined]);
  const later = note.replace("\n2\n", "\n3\n");
  expect(await reason(exported, { vkey, note: later })).toEqual(["rolled_back", undefined]);
  const fork = note.replace(/\n2\n.{4}/, "\n2\nAAAA");
  expect(await reason(exported, { vkey, note: fork })).toEqual(["forked", undefined]);
});

test("a key is what its id says, and a signature is the key's or not", async () => {
  const [vkey = "", other = ""] = vkeys;
  const [key, otherKey] = [await keyOf(vkey), await keyOf(other)];
  expect(await keyOf(vkey.replace("+9a", "+9b"))).toBeUndefined();
  const { note } = await verify(exported);
  const checkpoint = checkpointOf(note);
  if (!key || !otherKey || !checkpoint) throw new Error("the vectors are not whole");
  expect(await isSignedBy(checkpoint, key)).toBe(true);
  expect(await isSignedBy(checkpoint, otherKey)).toBeUndefined();
  expect(await isSignedBy({ ...checkpoint, text: checkpoint.text.replace("2", "3") }, key)).toBe(false);
});

test("proofs of inclusion and consistency hold for their trees and no others", async () => {
  const leaves = await Promise.all(hashes.map(leafOf));
  const tree = new Tree();
  const roots: Awaited<ReturnType<Tree["root"]>>[] = [];
  for (const leaf of leaves) {
    await tree.push(leaf);
    roots.push(await tree.root());
  }
  const [a, b, c] = leaves;
  const [, two, three] = roots;
  if (!a || !b || !c || !two || !three) throw new Error("three leaves");
  expect(await rootByInclusion(c, 2, 3, [two])).toEqual(three);
  expect(await rootByInclusion(a, 0, 3, [b, c])).toEqual(three);
  expect(await rootByInclusion(a, 0, 3, [b])).toBeUndefined();
  expect(await isConsistent({ size: 2, root: two }, { size: 3, root: three }, [c])).toBe(true);
  expect(await isConsistent({ size: 2, root: two }, { size: 3, root: three }, [b])).toBe(false);
});

/** The two events of the vectors, and what proves them. */
async function given(seq: 1 | 2): Promise<Given> {
  const lines = [1, 2].map((at) => /^\{"event":(.*),"hash":"(.*)"\}$/.exec(exported[at] ?? ""));
  const { note, key } = await verify(exported);
  const event = (at: number): unknown => JSON.parse(lines[at - 1]?.[1] ?? "null");
  return {
    org,
    seq,
    event: event(seq),
    hash: lines[seq - 1]?.[2] ?? "",
    before: seq === 2 ? event(1) : undefined,
    proof: [base64(await leafOf(hashes[2 - seq] ?? ""))],
    note,
    keys: [key],
    kept: undefined,
  };
}

test("one event is proved from its bytes to the signature", async () => {
  const sound = { isOwn: true, isHash: true, isChained: true, isRoot: true, signed: "served", size: 2 };
  expect(await prove(await given(1))).toMatchObject(sound);
  expect(await prove(await given(2))).toMatchObject(sound);
  const first = await given(1);
  const changed = await prove({ ...first, event: { ...(first.event as object), kind: "org.updated" } });
  expect(changed).toMatchObject({ isHash: false, isRoot: false });
});

test("a sound event of another place or another organisation is not the one that was asked for", async () => {
  const [first, second] = [await given(1), await given(2)];
  expect(await prove({ ...first, org: org.replace(/.$/, "0") })).toMatchObject({
    isOwn: false,
    isRoot: true,
  });
  expect(await prove({ ...second, event: first.event, hash: first.hash })).toMatchObject({ isOwn: false });
  const foreign = first.note.replaceAll("chancery/log/org_", "chancery/log/org_f");
  expect(await prove({ ...first, note: foreign })).toMatchObject({ isOwn: false, signed: "none" });
});

test("an event holds on to the one before it, which is computed and not believed", async () => {
  const second = await given(2);
  const other = { ...(second.before as object), kind: "org.updated" };
  expect((await prove({ ...second, before: other })).isChained).toBe(false);
  expect((await prove({ ...second, before: undefined })).isChained).toBe(false);
});

test("the key that is remembered counts more than those that the server names", async () => {
  const first = await given(1);
  const [key = ""] = first.keys;
  const other = vkeys.find((it) => it !== key) ?? "";
  expect(await prove({ ...first, kept: key })).toMatchObject({ signed: "kept", signedBy: key });
  expect(await prove({ ...first, kept: key, keys: [other] })).toMatchObject({ signed: "kept" });
  expect(await prove({ ...first, kept: other })).toMatchObject({ signed: "other", signedBy: key });
  expect(await prove({ ...first, keys: [other] })).toMatchObject({ signed: "none" });
});

test("a proof that is none, and an event that has no bytes, are faults and no exceptions", async () => {
  const first = await given(1);
  expect(await prove({ ...first, proof: ["no base64!"] })).toMatchObject({ isRoot: false, isHash: true });
  const beyond = { ...(first.event as object), data: { number: 2 ** 60 } };
  expect(await prove({ ...first, event: beyond })).toMatchObject({ isHash: false, hash: undefined });
  expect(await prove({ ...first, note: "nothing" })).toMatchObject({ isOwn: false, signed: "none" });
});

test("canonical JSON sorts by code units, and refuses what two readers would take differently", () => {
  expect(canonical({ b: 1, a: [true, null, "é\n"], "\u{1f600}": 0, "\ufb33": 0 })).toBe(
    '{"a":[true,null,"é\\n"],"b":1,"\u{1f600}":0,"\ufb33":0}',
  );
  expect(() => canonical(2 ** 53)).toThrow();
});
