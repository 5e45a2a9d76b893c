import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Archive, MessageCircle } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { LoadMore } from "@/ui/LoadMore";
import { SkeletonRows } from "@/ui/Skeleton";
import {
  type Message,
  messagesQuery,
  openRunsQuery,
  type Session,
  sessionQuery,
  useRestore,
} from "../api/chats";
import { useChatStream } from "../model/useChatStream";
import { ChatHeader } from "./ChatHeader";
import { Composer } from "./Composer";
import { MessageRow } from "./MessageRow";
import { TypingLine } from "./TypingLine";
import { Underway } from "./Underway";
import { useFollow } from "./useFollow";

export function Chat({ id }: { id: string }) {
  const session = useQuery(sessionQuery(id));
  const live = useChatStream(id, !session.isError);
  const mayWrite = useMay("member");
  if (session.error) {
    return (
      <div className="m-auto w-full max-w-md p-5">
        <ErrorNotice error={session.error} onRetry={() => void session.refetch()} />
      </div>
    );
  }
  if (!session.data) return <SkeletonRows className="p-6" />;
  const isArchived = session.data.status === "archived";
  return (
    <>
      <ChatHeader session={session.data} present={live.present} />
      {isArchived ? (
        <Archived id={id} mayWrite={mayWrite} />
      ) : (
        <Conversation session={session.data} live={live} />
      )}
    </>
  );
}

function Archived({ id, mayWrite }: { id: string; mayWrite: boolean }) {
  const restore = useRestore(id);
  return (
    <div className="m-auto">
      <Empty
        icon={Archive}
        title={t.chats.archived}
        action={
          mayWrite && (
            <Button look="primary" busy={restore.isPending} onClick={() => restore.mutate(undefined)}>
              {t.chats.restore}
            </Button>
          )
        }
      >
        {t.chats.archivedDetail}
        {restore.error && <ErrorNotice error={restore.error} />}
      </Empty>
    </div>
  );
}

function Conversation({ session, live }: { session: Session; live: ReturnType<typeof useChatStream> }) {
  const { id } = session;
  const mayWrite = useMay("member");
  const pages = useInfiniteQuery(messagesQuery(id));
  const runs = useQuery(openRunsQuery(id));
  const messages = (pages.data?.pages.flatMap((page) => page.items) ?? []).toReversed();
  const answered = useAnswered(messages);
  const open = (runs.data ?? []).filter((it) => !answered.has(it.id));
  // Words of a run that is over by now, whose answer was not read yet.
  const trailing = live.writing.filter(
    (it) => !answered.has(it.runId) && !open.some((run) => run.id === it.runId),
  );
  const last = messages.at(-1);
  const follow = useFollow(
    id,
    `${last?.id}${open.length}${live.writing.map((it) => it.text.length)}`,
    last?.position,
  );

  return (
    <>
      <div ref={follow.ref} onScroll={follow.onScroll} className="min-h-0 flex-1 overflow-y-auto">
        <div className="mx-auto flex w-full max-w-3xl flex-col px-4 py-6 sm:px-6">
          <LoadMore query={pages} label={t.chats.earlier} />
          {pages.error && !pages.isFetchNextPageError && (
            <ErrorNotice error={pages.error} onRetry={() => void pages.refetch()} />
          )}
          {pages.isPending && <SkeletonRows rows={3} />}
          {pages.data && messages.length === 0 && open.length === 0 && <Beginning session={session} />}
          <ol aria-label={t.common.messages} className="flex flex-col gap-6">
            {messages.map((message) => (
              <MessageRow key={message.id} message={message} isLast={message === last} />
            ))}
            {open.map((run) => (
              <Underway key={run.id} run={run} text={live.writing.find((it) => it.runId === run.id)?.text} />
            ))}
            {trailing.map((it) => (
              <Underway
                key={it.runId}
                run={{ id: it.runId, agent_id: it.agentId, session_id: id }}
                text={it.text}
              />
            ))}
          </ol>
        </div>
      </div>
      <footer className="border-t bg-surface">
        <div className="mx-auto w-full max-w-3xl px-3 pt-2 pb-3 sm:px-6">
          <TypingLine live={live} />
          {mayWrite ? (
            <Composer session={session} isBusy={open.length > 0} onSent={follow.toEnd} />
          ) : (
            <p className="py-2 text-sm text-muted">{t.chats.viewer}</p>
          )}
        </div>
      </footer>
    </>
  );
}

/** The runs whose answers were read, those of other branches too: what they were writing is over. */
function useAnswered(messages: readonly Message[]): ReadonlySet<string> {
  const [answered] = useState(() => new Set<string>());
  for (const { author, run_id } of messages) if (author.kind !== "user" && run_id) answered.add(run_id);
  return answered;
}

/** A chat in which nothing was said yet. */
function Beginning({ session }: { session: Session }) {
  const directory = useDirectory();
  const first = directory.agents.find((it) => it.id === session.agent_ids[0]);
  return (
    <Empty icon={MessageCircle} title={t.chats.startEmptyTitle}>
      <p>{t.chats.startEmpty(directory.name(session.agent_ids[0]))}</p>
      {first?.planner === "rules" && (
        <div className="mt-3 text-left">
          <p className="mb-1">{t.chats.rulesHint}</p>
          <Code text={t.chats.rulesExample} label={t.chats.rulesHint} />
        </div>
      )}
    </Empty>
  );
}
