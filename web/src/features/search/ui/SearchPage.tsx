import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowRight, MessagesSquare, Search, SearchX } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useRowKeys } from "@/app/useRowKeys";
import { useSettled } from "@/lib/useSettled";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass } from "@/ui/Field";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { useEverything } from "../api/everything";
import { messagesFoundQuery } from "../api/messages";
import { find } from "../model/find";
import { jumpTo } from "../model/ids";
import { icons } from "./icons";

const s = t.search;
const MOST = 50;
const WORTH_ASKING = 3;
const row = "flex items-center gap-3 px-4 py-2.5 text-sm outline-offset-[-2px] hover:bg-hover/60";

/** Everything that fits, in long lists; the address keeps what was looked for. */
export function SearchPage() {
  const { q = "" } = useSearch({ from: "/signed-in/shell/search" });
  const navigate = useNavigate();
  const [text, setText] = useState(q);
  const words = useSettled(text.trim(), 200);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  useRowKeys(list);
  useKeys([{ keys: "/", label: s.field, group: "page", run: () => field.current?.focus() }]);
  // The field writes the address, and the way back through the history writes the field.
  const written = useRef(q);
  useEffect(() => {
    if (q === written.current) return;
    written.current = q;
    setText(q);
  }, [q]);
  useEffect(() => {
    if (words === written.current) return;
    written.current = words;
    void navigate({ to: "/search", search: words ? { q: words } : {}, replace: true });
  }, [words, navigate]);
  useEffect(() => field.current?.focus(), []);
  const intoList = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    const first = list.current?.querySelector<HTMLElement>("[data-row]");
    if (event.key === "Enter") first?.click();
    else first?.focus();
  };
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail}>
        <input
          ref={field}
          type="search"
          aria-label={s.field}
          placeholder={s.field}
          value={text}
          onChange={(event) => setText(event.target.value)}
          onKeyDown={intoList}
          className={`${controlClass} h-10 max-w-2xl`}
        />
      </PageHeader>
      <div ref={list} className="flex max-w-4xl flex-col gap-6 p-4 md:p-6">
        {words === "" ? (
          <Empty icon={Search} title={s.emptyTitle}>
            {s.hint}
          </Empty>
        ) : (
          <Results words={words} />
        )}
      </div>
    </>
  );
}

function Results({ words }: { words: string }) {
  const groups = find(useEverything(true), words, MOST);
  const jump = jumpTo(words, location.origin);
  const said = useInfiniteQuery({ ...messagesFoundQuery(words), enabled: words.length >= WORTH_ASKING });
  const hits = said.data?.pages.flatMap((page) => page.items) ?? [];
  const leftOut = said.data?.pages.at(-1)?.sessions_left_out ?? 0;
  if (!jump && groups.length === 0 && hits.length === 0 && !said.isLoading && !said.isError) {
    return (
      <Empty icon={SearchX} title={s.nothing(words)}>
        {s.nothingDetail}
      </Empty>
    );
  }
  return (
    <>
      {jump && (
        <Part title={s.kinds.go}>
          <li>
            <Link to={jump.href} data-row="go" className={row}>
              <ArrowRight aria-hidden className="size-4 shrink-0 text-muted" />
              <span className="min-w-0 flex-1 break-all">{jump.name}</span>
            </Link>
          </li>
        </Part>
      )}
      {groups.map(({ kind, things }) => {
        const Icon = icons[kind];
        return (
          <Part key={kind} title={s.kinds[kind]}>
            {things.map((it) => (
              <li key={it.id} className="border-b last:border-0">
                <Link to={it.href} data-row={it.id} className={row}>
                  <Icon aria-hidden className="size-4 shrink-0 text-muted" />
                  <span className="min-w-0 flex-1">
                    <span className="block truncate font-medium">{it.name}</span>
                    {it.detail && <span className="block truncate text-xs text-muted">{it.detail}</span>}
                  </span>
                </Link>
              </li>
            ))}
          </Part>
        );
      })}
      {said.isLoading && <SkeletonRows rows={2} />}
      {said.isError && <ErrorNotice error={said.error} onRetry={() => void said.refetch()} />}
      {hits.length > 0 && (
        <Part title={t.shell.found}>
          {hits.map(({ message, excerpt }) => (
            <li key={message.id} className="border-b last:border-0">
              <Link
                to="/chats/$sessionId"
                params={{ sessionId: message.session_id }}
                data-row={message.id}
                className={row}
              >
                <MessagesSquare aria-hidden className="size-4 shrink-0 text-muted" />
                <span className="line-clamp-2 min-w-0 flex-1">{excerpt}</span>
                <Time at={message.created_at} className="shrink-0 text-xs text-muted" />
              </Link>
            </li>
          ))}
        </Part>
      )}
      {leftOut > 0 && <p className="text-xs text-muted">{s.leftOut(leftOut)}</p>}
      {said.hasNextPage && (
        <Button
          className="self-center"
          busy={said.isFetchingNextPage}
          onClick={() => void said.fetchNextPage()}
        >
          {t.common.loadMore}
        </Button>
      )}
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Section as="h2" title={title}>
      <ul aria-label={title} className="overflow-hidden rounded-lg border bg-surface shadow-sm">
        {children}
      </ul>
    </Section>
  );
}
