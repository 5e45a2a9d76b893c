/** Who can be mentioned, beside the caret: the agents of the chat, and its people. */
import { useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useId, useState } from "react";
import { type Named, useDirectory } from "@/features/directory/api/directory";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { chatMembersQuery, type Session } from "../api/chats";
import { mentionAt, mentionName } from "../model/mentions";

const SHOWN = 6;

export function useMentions(session: Session, text: string, caret: number) {
  const id = useId();
  const directory = useDirectory();
  const members = useQuery(chatMembersQuery(session.id));
  const [chosen, setChosen] = useState(0);
  const [closedAt, setClosedAt] = useState<number>();
  const begun = mentionAt(text, caret);
  const all: Named[] = [
    ...session.agent_ids.map((it) => ({ id: it, name: directory.name(it), isAgent: true })),
    ...(members.data?.items ?? []).map((it) => ({
      id: it.user_id,
      name: directory.name(it.user_id),
      isAgent: false,
    })),
  ];
  const found =
    begun && begun.from !== closedAt
      ? all.filter((it) => mentionName(it.name).startsWith(begun.query)).slice(0, SHOWN)
      : [];
  const at = Math.min(chosen, found.length - 1);

  /** Whether the list took the key. */
  const onKeyDown = (event: KeyboardEvent, complete: (name: string) => void): boolean => {
    const current = found[at];
    if (!current) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setChosen((at + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length);
    } else if (event.key === "Enter" || event.key === "Tab") {
      complete(current.name);
      setChosen(0);
    } else if (event.key === "Escape") {
      setClosedAt(begun?.from);
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  };
  const isOpen = found.length > 0;
  const aria = {
    "aria-autocomplete": "list",
    "aria-controls": isOpen ? id : undefined,
    "aria-activedescendant": isOpen ? `${id}-${at}` : undefined,
  } as const;
  return { id, found, at, onKeyDown, aria };
}

interface Props {
  mentions: ReturnType<typeof useMentions>;
  onChoose(name: string): void;
}

export function MentionList({ mentions: { id, found, at }, onChoose }: Props) {
  if (found.length === 0) return null;
  return (
    <div
      id={id}
      role="listbox"
      aria-label={t.chats.mention}
      className="absolute bottom-full left-0 z-20 mb-2 w-64 rounded-lg border bg-surface p-1 shadow-lg"
    >
      {found.map((it, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the text field
        <div
          key={it.id}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === at}
          tabIndex={-1}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(it.name)}
          className={cx(
            "flex cursor-default items-center gap-2.5 rounded-md px-2 py-1.5 text-sm",
            index === at && "bg-hover",
          )}
        >
          <Avatar name={it.name} agent={it.isAgent} size="sm" />
          <span className="min-w-0 flex-1 truncate">{it.name}</span>
          <span className="truncate text-xs text-muted">@{mentionName(it.name)}</span>
        </div>
      ))}
    </div>
  );
}
