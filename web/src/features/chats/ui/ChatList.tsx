import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Archive, MessagesSquare, Plus, Search } from "lucide-react";
import { useDeferredValue, useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass } from "@/ui/Field";
import { LoadMore } from "@/ui/LoadMore";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Session, type Shelf, searchQuery, sessionsQuery } from "../api/chats";

const row =
  "flex flex-col gap-0.5 border-b px-4 py-2.5 transition-colors hover:bg-hover focus-visible:outline-offset-[-2px] data-[status=active]:bg-accent-soft";

export function ChatList({ openId, onNew }: { openId: string | undefined; onNew: (() => void) | undefined }) {
  const [shelf, setShelf] = useState<Shelf>("active");
  const [words, setWords] = useState("");
  const wanted = useDeferredValue(words.trim());
  const search = useRef<HTMLInputElement>(null);
  useKeys([{ keys: "/", label: t.chats.keySearch, group: "page", run: () => search.current?.focus() }]);
  return (
    <>
      <header className="flex flex-col gap-3 border-b px-4 pt-4 pb-3">
        <div className="flex items-center gap-2">
          <h1 className="min-w-0 flex-1 text-lg font-semibold">{t.chats.title}</h1>
          {onNew && <IconButton label={t.chats.newChat} look="secondary" icon={<Plus />} onClick={onNew} />}
        </div>
        <div className="relative">
          <Search aria-hidden className="absolute top-2 left-2.5 size-4 text-muted" />
          <input
            ref={search}
            type="search"
            aria-label={t.chats.search}
            placeholder={t.chats.search}
            value={words}
            onChange={(event) => setWords(event.target.value)}
            onKeyDown={(event) => event.key === "Escape" && setWords("")}
            className={`${controlClass} h-8 pl-8 text-sm`}
          />
        </div>
        <fieldset className="flex gap-1">
          <legend className="sr-only">{t.chats.filterLabel}</legend>
          {(["active", "archived"] as const).map((it) => (
            <button
              key={it}
              type="button"
              aria-pressed={it === shelf}
              onClick={() => setShelf(it)}
              className="rounded-md px-2.5 py-1 text-sm font-medium text-muted hover:bg-hover aria-pressed:bg-hover aria-pressed:text-text"
            >
              {t.chats.filters[it]}
            </button>
          ))}
        </fieldset>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {wanted.length > 1 ? (
          <Hits words={wanted} />
        ) : (
          <Sessions shelf={shelf} openId={openId} onNew={onNew} />
        )}
      </div>
    </>
  );
}

interface SessionsProps {
  shelf: Shelf;
  openId: string | undefined;
  onNew: (() => void) | undefined;
}

function Sessions({ shelf, openId, onNew }: SessionsProps) {
  const list = useInfiniteQuery(sessionsQuery(shelf));
  const navigate = useNavigate();
  const all = list.data?.pages.flatMap((page) => page.items) ?? [];
  const items = shelf === "active" ? all.filter((it) => it.status !== "archived") : all;
  const step = (by: number) => {
    const at = items.findIndex((it) => it.id === openId);
    const next = items[at < 0 ? 0 : Math.min(items.length - 1, Math.max(0, at + by))];
    if (next) void navigate({ to: "/chats/$sessionId", params: { sessionId: next.id } });
  };
  useKeys([
    { keys: "j", label: t.approvals.keyNext, group: "page", run: () => step(1), hidden: true },
    { keys: "k", label: t.approvals.keyPrevious, group: "page", run: () => step(-1), hidden: true },
  ]);
  if (list.isError && !list.data) {
    return (
      <div className="p-4">
        <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
      </div>
    );
  }
  if (list.isPending) return <SkeletonRows className="px-4" />;
  if (items.length === 0 && !list.hasNextPage) {
    return shelf === "archived" ? (
      <Empty icon={Archive} title={t.chats.archivedEmptyTitle}>
        {t.chats.archivedEmpty}
      </Empty>
    ) : (
      <Empty
        icon={MessagesSquare}
        title={t.chats.emptyTitle}
        action={
          onNew && (
            <Button look="primary" onClick={onNew}>
              {t.chats.newChat}
            </Button>
          )
        }
      >
        {t.chats.empty}
      </Empty>
    );
  }
  return (
    <>
      <ul>
        {items.map((it) => (
          <Row key={it.id} session={it} />
        ))}
      </ul>
      <LoadMore query={list} />
    </>
  );
}

function Row({ session }: { session: Session }) {
  const directory = useDirectory();
  return (
    <li>
      <Link to="/chats/$sessionId" params={{ sessionId: session.id }} className={row}>
        <span className="flex items-baseline gap-2">
          <span className="min-w-0 flex-1 truncate text-sm font-medium" title={session.title}>
            {session.title || t.chats.untitled}
          </span>
          <Time at={session.updated_at} className="shrink-0 text-xs text-muted" />
        </span>
        <span className="truncate text-xs text-muted">
          {session.agent_ids.map(directory.name).join(", ")}
        </span>
      </Link>
    </li>
  );
}

function Hits({ words }: { words: string }) {
  const { data, error, isPending, refetch } = useQuery(searchQuery(words));
  const directory = useDirectory();
  if (error) {
    return (
      <div className="p-4">
        <ErrorNotice error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (isPending) return <SkeletonRows rows={3} className="px-4" />;
  return (
    <>
      {data.items.length === 0 && (
        <p role="status" className="p-4 text-sm text-muted">
          {t.chats.noHits}
        </p>
      )}
      <ul>
        {data.items.map(({ message, excerpt }) => (
          <li key={message.id}>
            <Link to="/chats/$sessionId" params={{ sessionId: message.session_id }} className={row}>
              <span className="flex items-baseline gap-2 text-xs text-muted">
                <span className="min-w-0 flex-1 truncate">{directory.name(authorOf(message.author))}</span>
                <Time at={message.created_at} />
              </span>
              <span className="line-clamp-2 text-sm">{excerpt}</span>
            </Link>
          </li>
        ))}
      </ul>
      {data.sessions_left_out > 0 && (
        <p className="p-4 text-xs text-muted">{t.chats.leftOut(data.sessions_left_out)}</p>
      )}
    </>
  );
}

export function authorOf(author: { kind: string; user_id?: string; agent_id?: string }): string | undefined {
  return author.user_id ?? author.agent_id;
}
