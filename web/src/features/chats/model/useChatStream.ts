/** Follows one chat: what is live stands in its state, what is durable makes its queries old. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useReducer } from "react";
import { dataOf } from "@/api/events";
import { openStream } from "@/api/stream";
import { reporter } from "@/app/connection";
import { recordSize, refreshChat, refreshSession } from "../api/chats";
import { heard, type Live, quiet } from "./live";

type Heard = { kind: string; data: Record<string, unknown> } | "begin";

const reduce = (live: Live, frame: Heard): Live =>
  frame === "begin" ? quiet : heard(live, frame.kind, frame.data, Date.now());

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
    const refresh = () => {
      timer = undefined;
      void refreshChat(queries, id);
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
          refresh();
        },
        onFrame(frame) {
          tell({ kind: frame.event, data: dataOf(frame) });
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
