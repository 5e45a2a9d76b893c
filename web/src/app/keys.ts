/**
 * Keys, in one place: one listener, and a registry that the help (`?`) and the palette read.
 *
 * `keys` is `mod+k` (⌘ on a Mac, Ctrl elsewhere), a single key, or `g c` for one after the other. Plain
 * keys are left alone while somebody writes or a dialog is open.
 */
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Binding {
  keys: string;
  label: string;
  group: "general" | "go" | "page";
  run(): void;
  /** Another key for the same, which the help need not name. */
  hidden?: boolean;
}

const SEQUENCE_MS = 1000;
let bindings: readonly Binding[] = [];
const listeners = new Set<() => void>();

function set(next: readonly Binding[]) {
  bindings = next;
  for (const listener of listeners) listener();
}

export function useBindings(): readonly Binding[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => bindings,
  );
}

/** Makes keys do something while the component is shown. The newest meaning of a key holds. */
export function useKeys(wanted: readonly Binding[]) {
  const latest = useRef(wanted);
  useEffect(() => {
    latest.current = wanted;
  });
  const names = wanted.map((it) => `${it.keys}=${it.label}`).join("\n");
  useEffect(() => {
    if (names === "") return;
    const mine = latest.current.map((it) => ({
      ...it,
      run: () => latest.current.find((now) => now.keys === it.keys)?.run(),
    }));
    set([...bindings, ...mine]);
    return () => set(bindings.filter((it) => !mine.includes(it)));
  }, [names]);
}

/** The name of what was pressed, as bindings write it. */
export function nameOf(
  event: Pick<KeyboardEvent, "key" | "metaKey" | "ctrlKey" | "altKey">,
): string | undefined {
  if (event.altKey) return undefined;
  const key = event.key.toLowerCase();
  return event.metaKey || event.ctrlKey ? `mod+${key}` : key;
}

const isWriting = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

const isDialogOpen = () =>
  document.querySelector('[role="dialog"][data-state="open"],[role="menu"]') !== null;

export function listenForKeys() {
  let first: string | undefined;
  let firstAt = 0;
  window.addEventListener("keydown", (event) => {
    const name = nameOf(event);
    if (event.defaultPrevented || event.repeat || name === undefined) return;
    const isPlain = !name.startsWith("mod+");
    if (isPlain && (isWriting(event.target) || isDialogOpen())) return;
    const sequence = first && event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${name}` : undefined;
    const find = (keys: string | undefined) => bindings.findLast((it) => it.keys === keys);
    const found = (sequence && find(sequence)) || find(name);
    const begins = !found && bindings.some((it) => it.keys.startsWith(`${name} `));
    first = begins ? name : undefined;
    firstAt = event.timeStamp;
    if (!found) return;
    event.preventDefault();
    found.run();
  });
}
