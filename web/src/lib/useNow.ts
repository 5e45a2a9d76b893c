/** The time, as something that components are shown again by. One timer for all of them. */
import { useSyncExternalStore } from "react";

function ticker(everyMs: number) {
  let now = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();
  const tick = () => {
    now = Date.now();
    for (const listener of listeners) listener();
  };
  return {
    subscribe(listener: () => void) {
      listeners.add(listener);
      if (!timer) {
        now = Date.now();
        timer = setInterval(tick, everyMs);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    read: () => now,
  };
}

const seconds = ticker(1000);
const minutes = ticker(30_000);

export const useSecond = () => useSyncExternalStore(seconds.subscribe, seconds.read);
export const useMinute = () => useSyncExternalStore(minutes.subscribe, minutes.read);
