/** Short messages at the edge of the page, from anywhere. `Toaster` shows them. */
import type { Tone } from "./Notice";

export interface Toast {
  id: number;
  tone: Tone;
  title: string;
  detail?: string | undefined;
  action?: { label: string; run(): void } | undefined;
}

let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();
const MOST = 3;

function set(next: readonly Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

export const currentToasts = () => toasts;

export function subscribeToasts(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function toast(message: Omit<Toast, "id" | "tone"> & { tone?: Tone }): number {
  const id = nextId++;
  set([...toasts.slice(1 - MOST), { tone: "ok", ...message, id }]);
  return id;
}

export function dismissToast(id: number) {
  set(toasts.filter((it) => it.id !== id));
}
