/**
 * The organisation's record, live, as what makes lists look again. One stream for the whole app; it says
 * that something changed, and the queries that are on the page fetch it.
 */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { dataOf, eventOf } from "@/api/events";
import { openStream } from "@/api/stream";
import { isAct } from "@/features/acts/model/say";
import { isSpeaking } from "@/features/notifications/model/desktop";
import { reporter } from "./connection";

/** The first word of an event's kind, and the first words of the keys of the queries that it makes old. */
const touches: Record<string, readonly string[]> = {
  approval: ["approvals", "grants", "runs"],
  run: ["runs"],
  tool: ["runs"],
  session: ["sessions"],
  message: ["sessions"],
  agent: ["agents"],
  skill: ["skills"],
  policy: ["policies"],
  provider: ["providers"],
  secret: ["secrets"],
  data_key: ["data-key"],
  chat_settings: ["chat-settings"],
  member: ["members", "invitations"],
  invitation: ["invitations"],
  key: ["keys"],
  grant: ["grants"],
  node: ["nodes"],
  model_profile: ["profiles"],
  budget: ["budgets"],
  limits: ["limits"],
};

/** Which queries an event of this kind makes old. `policy.decided` and the like change no list. */
function touchedBy(kind: string): readonly string[] {
  const lists = listsOf(kind);
  return isAct(kind) ? [...lists, "acts"] : lists;
}

function listsOf(kind: string): readonly string[] {
  if (kind === "policy.decided") return [];
  if (kind === "tool.configured" || kind === "tool.removed") return ["tools"];
  return touches[kind.split(".")[0] ?? ""] ?? [];
}

const listeners = new Set<(event: Record<string, unknown>) => void>();

/** Hears every event of the organisation's record as it is sealed. */
export function onOrgEvent(listener: (event: Record<string, unknown>) => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Changes come in bursts; the page looks again once for all of them. */
const GATHER_MS = 120;

export function useOrgEvents(orgId: string | undefined) {
  const queries = useQueryClient();
  useEffect(() => {
    if (!orgId) return;
    const waiting = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const name of waiting) void queries.invalidateQueries({ queryKey: [name] });
      waiting.clear();
    };
    const report = reporter();
    const close = openStream({
      path: "/v1/audit/events",
      onState: report.report,
      // Anything may have been missed. What never changes is not asked for again (`staleTime: "static"`).
      // What happened between the first look and the stream's beginning concerns people all the same.
      onLive: (again) => void queries.invalidateQueries(again ? {} : { queryKey: ["notifications"] }),
      staysWhenHidden: isSpeaking,
      onFrame(frame) {
        const data = dataOf(frame);
        const event = eventOf(data);
        for (const listener of listeners) listener(data);
        for (const name of touchedBy(event?.kind ?? "")) waiting.add(name);
        if (waiting.size > 0) timer ??= setTimeout(flush, GATHER_MS);
      },
    });
    return () => {
      close();
      report.end();
      clearTimeout(timer);
    };
  }, [orgId, queries]);
}
