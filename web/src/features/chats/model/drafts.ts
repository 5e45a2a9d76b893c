/**
 * What somebody is writing in each chat. It outlives going to another chat, a reload of the tab, and a
 * message that could not be sent; it belongs to one person in one organisation (see `useIdentity`).
 */
import { useSyncExternalStore } from "react";
import type { Schema } from "@/api/client";
import { newKey } from "@/lib/ids";

type File = Schema<"FileView">;

/** What a message does while an agent is at work: wait for its turn, steer it, or take its place. */
export type OnBusy = "enqueue" | "steer" | "interrupt";

/** A message on its way. Sent again unchanged it has the same key, so that nothing is posted twice. */
export interface Sending {
  text: string;
  files: readonly File[];
  onBusy: OnBusy;
  key: string;
}

export interface Draft {
  text: string;
  files: readonly File[];
  /** How many files are on their way up. */
  uploads: number;
  sending: Sending | undefined;
  /** What could not be sent the last time. */
  failed: Sending | undefined;
}

const empty: Draft = { text: "", files: [], uploads: 0, sending: undefined, failed: undefined };
const drafts = new Map<string, Draft>();
const listeners = new Set<() => void>();

const placeOf = (who: string, chat: string) => `chancery.chat.${who}.${chat}`;

export function draftOf(who: string, chat: string): Draft {
  const place = placeOf(who, chat);
  const known = drafts.get(place) ?? kept(place);
  drafts.set(place, known);
  return known;
}

export const useDraft = (who: string, chat: string): Draft =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => draftOf(who, chat),
  );

function kept(place: string): Draft {
  try {
    const it = JSON.parse(sessionStorage.getItem(place) ?? "{}") as Partial<Draft>;
    if (typeof it.text !== "string" || !Array.isArray(it.files)) return empty;
    return { ...empty, text: it.text, files: it.files, failed: it.failed };
  } catch {
    return empty;
  }
}

export function changeDraft(who: string, chat: string, change: (draft: Draft) => Partial<Draft>) {
  const place = placeOf(who, chat);
  const before = draftOf(who, chat);
  const after = { ...before, ...change(before) };
  drafts.set(place, after);
  // What is on its way is kept until it has arrived.
  const { text, files, failed } = after.sending ? { ...after, ...putBack(after, after.sending) } : after;
  if (text === "" && files.length === 0) sessionStorage.removeItem(place);
  else sessionStorage.setItem(place, JSON.stringify({ text, files, failed }));
  for (const listener of listeners) listener();
}

/** Takes the draft to send it; undefined if there is nothing to send, or something is on its way still. */
export function takeToSend(who: string, chat: string, onBusy: OnBusy): Sending | undefined {
  const { text, files, uploads, sending, failed } = draftOf(who, chat);
  if (text.trim() === "" || uploads > 0 || sending) return undefined;
  const key = failed && isSame(failed, { text, files, onBusy }) ? failed.key : newKey();
  const taken: Sending = { text, files, onBusy, key };
  changeDraft(who, chat, () => ({ text: "", files: [], sending: taken, failed: undefined }));
  return taken;
}

export const wasSent = (who: string, chat: string) => changeDraft(who, chat, () => ({ sending: undefined }));

/** What could not be sent stands again where it was written, above what was written meanwhile. */
export const wasNotSent = (who: string, chat: string) =>
  changeDraft(who, chat, (draft) => ({
    ...(draft.sending ? putBack(draft, draft.sending) : {}),
    sending: undefined,
  }));

const putBack = (draft: Draft, sending: Sending): Pick<Draft, "text" | "files" | "failed"> => ({
  text: draft.text === "" ? sending.text : `${sending.text}\n${draft.text}`,
  files: [...sending.files, ...draft.files],
  failed: sending,
});

const isSame = (a: Sending, b: Omit<Sending, "key">) =>
  a.text === b.text &&
  a.onBusy === b.onBusy &&
  a.files.map((it) => it.id).join() === b.files.map((it) => it.id).join();
