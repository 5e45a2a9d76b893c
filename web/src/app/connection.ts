/** Whether what the page shows is live: the worst state of any stream, and the network. */
import { useSyncExternalStore } from "react";
import type { StreamState } from "@/api/stream";

const states = new Map<symbol, StreamState>();
const listeners = new Set<() => void>();
type Connection = "live" | "reconnecting" | "offline" | "refused";
let current: Connection = "live";

function worst(of: readonly StreamState[]): Connection {
  if (!navigator.onLine) return "offline";
  if (of.includes("refused")) return "refused";
  return of.includes("reconnecting") ? "reconnecting" : "live";
}

function look() {
  const next = worst([...states.values()]);
  if (next === current) return;
  current = next;
  for (const listener of listeners) listener();
}

window.addEventListener("online", look);
window.addEventListener("offline", look);

/** Reports for one stream; to be ended when it is closed. */
export function reporter() {
  const id = Symbol("stream");
  return {
    report(state: StreamState) {
      states.set(id, state);
      look();
    },
    end() {
      states.delete(id);
      look();
    },
  };
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => current,
  );
}
