/** What the palette finds beside pages and actions: by id, by name, and what was said. */
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { ArrowRight, MessagesSquare, Search } from "lucide-react";
import { type ReactNode, useDeferredValue, useEffect, useRef } from "react";
import { searchQuery } from "@/features/chats/api/chats";
import { t } from "@/strings";
import { useEverything } from "../api/everything";
import { find } from "../model/find";
import { jumpTo } from "../model/ids";
import { icons } from "./icons";
import { groupClass, itemClass } from "./paletteClasses";

const s = t.search;
const MOST = 5;
const WORTH_ASKING = 3;
const ALL = "all-results";
interface Props {
  text: string;
  /** Closes the palette, then does it. */
  run(what: () => void): () => void;
  /** Chooses an entry, where nothing else is chosen. */
  onFound(value: string): void;
}

export function PaletteResults({ text, run, onFound }: Props) {
  const list = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const words = useDeferredValue(text.trim());
  const groups = find(useEverything(words !== ""), words, MOST).filter((it) => it.kind !== "page");
  const jump = jumpTo(words, location.origin);
  const isAsked = words.length >= WORTH_ASKING;
  const hits = useQuery({ ...searchQuery(words), enabled: isAsked }).data?.items.slice(0, MOST) ?? [];
  const go = (href: string) => run(() => void navigate({ href }));
  const first = jump ? "jump" : (groups[0]?.things[0]?.id ?? (isAsked ? hits[0]?.message.id : undefined));
  const isExact = jump !== undefined;
  // What comes late is chosen if nothing better is; Enter then leads there. An id is never a guess.
  useEffect(() => {
    const chosen = list.current
      ?.closest("[cmdk-list]")
      ?.querySelector('[cmdk-item][data-selected="true"]')
      ?.getAttribute("data-value");
    if (first && (isExact || !chosen || chosen === ALL)) onFound(first);
  }, [first, isExact, onFound]);
  if (words === "") return null;
  return (
    <div ref={list}>
      {jump && (
        <Found heading={s.kinds.go}>
          <Entry value="jump" icon={<ArrowRight />} onSelect={go(jump.href)}>
            {jump.name}
          </Entry>
        </Found>
      )}
      {groups.map(({ kind, things }) => {
        const Icon = icons[kind];
        return (
          <Found key={kind} heading={s.kinds[kind]}>
            {things.map((it) => (
              <Entry key={it.id} value={it.id} icon={<Icon />} detail={it.detail} onSelect={go(it.href)}>
                {it.name}
              </Entry>
            ))}
          </Found>
        );
      })}
      {isAsked && hits.length > 0 && (
        <Found heading={t.shell.found}>
          {hits.map(({ message, excerpt }) => (
            <Entry
              key={message.id}
              value={message.id}
              icon={<MessagesSquare />}
              onSelect={go(`/chats/${message.session_id}`)}
            >
              {excerpt}
            </Entry>
          ))}
        </Found>
      )}
      <Found heading={s.title}>
        <Entry
          value={ALL}
          icon={<Search />}
          onSelect={run(() => void navigate({ to: "/search", search: { q: words } }))}
        >
          {s.all(words)}
        </Entry>
      </Found>
    </div>
  );
}

/** It was found already, so the palette filters nothing out of it. */
const Found = ({ heading, children }: { heading: string; children: ReactNode }) => (
  <Command.Group heading={heading} forceMount className={groupClass}>
    {children}
  </Command.Group>
);

interface EntryProps {
  value: string;
  icon: ReactNode;
  detail?: string | undefined;
  onSelect(): void;
  children: ReactNode;
}

const Entry = ({ value, icon, detail, onSelect, children }: EntryProps) => (
  <Command.Item value={value} forceMount onSelect={onSelect} className={itemClass}>
    {icon}
    <span className="min-w-0 flex-1 truncate">{children}</span>
    {detail && <span className="max-w-[45%] min-w-0 truncate text-xs text-muted">{detail}</span>}
  </Command.Item>
);
