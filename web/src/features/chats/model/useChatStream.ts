/** Follows one chat: what is live stands in its state, what is durable makes its queries old. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer } from "react";
import { dataOf, RUN_OVER } from "@/api/events";
import { openStream } from "@/api/stream";
import { reporter } from "@/app/connection";
import { recordSize, refreshChat, refreshSession } from "../api/chats";
import { heard, type Live, quiet, wasRead } from "./live";

type Heard = { kind: string; data: Record<string, unknown> } | { read: readonly string[] } | "begin";

function reduce(live: Live, frame: Heard): Live {
  if (frame === "begin") return quiet;
  return "read" in frame ? wasRead(live, frame.read) : heard(live, frame.kind, frame.data, Date.now());
}

/** Events that change what a chat shows, by the first word of their kinds. */
const SHOWN = new Set(["message", "reaction", "session", "run", "artifact"]);

/** Follows a chat while it is there to be read. */
export function useChatStream(id: string, isThere = true): Live {
  const queries = useQueryClient();
  const [live, tell] = useReducer(reduce, quiet);
  useEffect(() => {
    if (!isThere) return;
    const report = reporter();
    let close: (() => void) | undefined;
    let isClosed = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over: string[] = [];
    const refresh = async () => {
      timer = undefined;
      const ended = over;
      over = [];
      await refreshChat(queries, id);
      if (!isClosed && ended.length > 0) tell({ read: ended });
    };
    const begin = async () => {
      const size = await recordSize().catch(() => 0);
      if (isClosed) return;
      close = openStream({
        path: `/v1/sessions/${id}/events`,
        after: String(size),
        onState: report.report,
        // Read after the stream is open, so that nothing falls between.
        onLive: () => {
          tell("begin");
          void refresh();
        },
        onFrame(frame) {
          const data = dataOf(frame);
          tell({ kind: frame.event, data });
          if (RUN_OVER.test(frame.event) && typeof data.run === "string") over.push(data.run);
          if (frame.event === "session.archived") void refreshSession(queries, id);
          else if (frame.id !== undefined && SHOWN.has(frame.event.split(".")[0] ?? ""))
            timer ??= setTimeout(refresh, 50);
        },
      });
    };
    void begin();
    return () => {
      isClosed = true;
      close?.();
      report.end();
      clearTimeout(timer);
    };
  }, [id, isThere, queries]);
  return live;
}
