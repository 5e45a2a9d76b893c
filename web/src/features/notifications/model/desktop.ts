/**
 * Notifications of the browser itself: asked for by a click only, kept in this browser, and shown by the tab
 * that was looked at last, so that several tabs don't say the same. That tab alone keeps its stream while
 * nobody looks at it.
 */
import { useSyncExternalStore } from "react";
import { newKey } from "@/lib/ids";

const WANTED = "chancery.desktop";
const LAST_TAB = "chancery.desktop.tab";
const tab = newKey();
const listeners = new Set<() => void>();

export type Desktop = "missing" | "denied" | "on" | "off";

const isThere = () => window.isSecureContext && "Notification" in window;

export function desktop(): Desktop {
  if (!isThere()) return "missing";
  if (Notification.permission === "denied") return "denied";
  return localStorage.getItem(WANTED) === "on" && Notification.permission === "granted" ? "on" : "off";
}

function changed() {
  for (const listener of listeners) listener();
}

/** Asks the person by the browser's own question; only to be called by a click. */
export async function turnOn() {
  if (!isThere()) return;
  if ((await Notification.requestPermission()) === "granted") localStorage.setItem(WANTED, "on");
  changed();
}

export function turnOff() {
  localStorage.removeItem(WANTED);
  changed();
}

export const useDesktop = () =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    window.addEventListener("storage", listener);
    return () => {
      listeners.delete(listener);
      window.removeEventListener("storage", listener);
    };
  }, desktop);

/** Remembers that this tab is looked at. */
export function markLookedAt() {
  if (document.visibilityState === "visible") localStorage.setItem(LAST_TAB, tab);
}

/** Whether this tab speaks for all of them while nobody looks. */
export const isSpeaking = () => desktop() === "on" && localStorage.getItem(LAST_TAB) === tab;

export function showOnDesktop(title: string, id: string, onOpen: () => void) {
  const shown = new Notification(title, { tag: id });
  shown.onclick = () => {
    window.focus();
    shown.close();
    onOpen();
  };
}
