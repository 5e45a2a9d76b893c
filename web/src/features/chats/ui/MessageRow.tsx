import { useQuery } from "@tanstack/react-query";
import {
  ChevronLeft,
  ChevronRight,
  CircleAlert,
  ListChecks,
  Pencil,
  RefreshCw,
  SmilePlus,
} from "lucide-react";
import { memo, useState } from "react";
import { useMay, useSignedIn } from "@/app/useAuth";
import { Attachment } from "@/features/artifacts/ui/Attachment";
import { useDirectory } from "@/features/directory/api/directory";
import { stepsQuery } from "@/features/runs/api/runs";
import { worthShowing } from "@/features/runs/model/step";
import { StepCard } from "@/features/runs/ui/StepCard";
import { cx } from "@/lib/cx";
import { dollars } from "@/lib/format";
import { safeUrl } from "@/lib/safeUrl";
import { t } from "@/strings";
import { Avatar } from "@/ui/Avatar";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { CopyButton } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass } from "@/ui/Field";
import { Markdown } from "@/ui/Markdown";
import { Menu, MenuItem } from "@/ui/Menu";
import { Skeleton } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { type Message, useEdit, useOtherBranch, useReact, useRegenerate } from "../api/chats";
import { authorOf } from "./ChatList";

const EMOJI = ["👍", "🎉", "❤️", "👀", "🤔", "👎"];

/** One message, with what can be done about it. */
export const MessageRow = memo(function MessageRow({
  message,
  isLast,
}: {
  message: Message;
  isLast: boolean;
}) {
  const directory = useDirectory();
  const [isEditing, setEditing] = useState(false);
  const isAgent = message.author.kind === "agent";
  const name = directory.name(authorOf(message.author));
  return (
    <li className="group/message flex gap-3" aria-label={name}>
      <Avatar name={name} agent={isAgent} />
      <div className="flex min-w-0 flex-1 flex-col gap-2">
        <div className="flex min-h-7 flex-wrap items-center gap-2 text-sm">
          <span className="font-medium">{name}</span>
          <Time at={message.created_at} className="text-xs text-muted" />
          {message.failed && (
            <Badge tone="bad">
              <CircleAlert aria-hidden /> {t.chats.failed}
            </Badge>
          )}
          <span className="flex-1" />
          <Actions message={message} isLast={isLast} onEdit={() => setEditing(true)} />
        </div>
        {isAgent && message.run_id && <PastSteps runId={message.run_id} />}
        {isEditing ? (
          <EditForm message={message} onDone={() => setEditing(false)} />
        ) : message.content === null || message.content === undefined ? (
          <p className="text-muted italic">{t.chats.erased}</p>
        ) : (
          <Markdown text={message.content} />
        )}
        {message.attachments.map((id) => (
          <Attachment key={id} id={id} />
        ))}
        <Citations message={message} />
        <Foot message={message} />
      </div>
    </li>
  );
});

/** What an agent did before it answered; read when somebody wants to see it. */
function PastSteps({ runId }: { runId: string }) {
  const [isOpen, setOpen] = useState(false);
  const { data, error } = useQuery({ ...stepsQuery(runId), enabled: isOpen });
  const shown = data?.filter(worthShowing);
  return (
    <div className="flex flex-col gap-2">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex items-center gap-1.5 self-start rounded-md text-xs text-muted hover:text-text"
      >
        <ListChecks aria-hidden className="size-3.5" />
        {shown ? t.runs.step.count(shown.length) : t.runs.step.shown}
        <ChevronRight aria-hidden className={cx("size-3.5 transition-transform", isOpen && "rotate-90")} />
      </button>
      {isOpen && error && <ErrorNotice error={error} />}
      {isOpen && !data && !error && <Skeleton className="h-9" />}
      {isOpen && shown?.map((step) => <StepCard key={step.step} step={step} />)}
    </div>
  );
}

interface ActionsProps {
  message: Message;
  isLast: boolean;
  onEdit(): void;
}

function Actions({ message, isLast, onEdit }: ActionsProps) {
  const { user } = useSignedIn();
  const mayWrite = useMay("member");
  const regenerate = useRegenerate(message.session_id);
  const react = useReact(message.session_id);
  const isMine = message.author.kind === "user" && message.author.user_id === user.id;
  const text = message.content ?? "";
  return (
    <div
      className={cx(
        "flex items-center transition-opacity",
        !isLast &&
          "opacity-0 group-focus-within/message:opacity-100 group-hover/message:opacity-100 max-md:opacity-100",
      )}
    >
      <Branches message={message} />
      {text && <CopyButton text={text} />}
      {mayWrite && (
        <Menu
          className="min-w-0!"
          trigger={<IconButton size="sm" label={t.chats.react} icon={<SmilePlus />} />}
        >
          <div className="flex">
            {EMOJI.map((emoji) => (
              <MenuItem
                key={emoji}
                className="w-9! justify-center text-base"
                onSelect={() => react.mutate({ message: message.id, emoji, isOn: true })}
              >
                {emoji}
              </MenuItem>
            ))}
          </div>
        </Menu>
      )}
      {mayWrite && isMine && <IconButton size="sm" label={t.chats.edit} icon={<Pencil />} onClick={onEdit} />}
      {mayWrite && message.author.kind === "agent" && (
        <IconButton
          size="sm"
          label={t.chats.regenerate}
          icon={<RefreshCw />}
          busy={regenerate.isPending}
          onClick={() => regenerate.mutate(message.id)}
        />
      )}
    </div>
  );
}

/** The other messages that stand in this place, on branches of their own. */
function Branches({ message }: { message: Message }) {
  const other = useOtherBranch(message.session_id);
  if (message.siblings < 2) return null;
  return (
    <fieldset className="flex items-center text-xs text-muted">
      <legend className="sr-only">{t.chats.branches}</legend>
      <IconButton
        size="sm"
        label={t.chats.previousBranch}
        icon={<ChevronLeft />}
        disabled={other.isPending}
        onClick={() => other.mutate({ message: message.id, by: -1 })}
      />
      <span className="tabular-nums">{message.siblings}</span>
      <IconButton
        size="sm"
        label={t.chats.nextBranch}
        icon={<ChevronRight />}
        disabled={other.isPending}
        onClick={() => other.mutate({ message: message.id, by: 1 })}
      />
    </fieldset>
  );
}

function EditForm({ message, onDone }: { message: Message; onDone(): void }) {
  const [content, setContent] = useState(message.content ?? "");
  const edit = useEdit(message.session_id);
  const save = () => edit.mutate({ message: message.id, content }, { onSuccess: onDone });
  return (
    <form
      className="flex flex-col gap-2"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      {edit.error && <ErrorNotice error={edit.error} />}
      <textarea
        aria-label={t.chats.editTitle}
        // biome-ignore lint/a11y/noAutofocus: the form was opened to write in it
        autoFocus
        rows={Math.min(12, content.split("\n").length + 1)}
        value={content}
        onChange={(event) => setContent(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape") onDone();
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) save();
        }}
        className={`${controlClass} py-2`}
      />
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" size="sm" busy={edit.isPending} disabled={content.trim() === ""}>
          {t.chats.saveEdit}
        </Button>
        <Button size="sm" onClick={onDone}>
          {t.common.cancel}
        </Button>
        <span className="text-xs text-muted">{t.chats.editHint}</span>
      </div>
    </form>
  );
}

/** The places that an answer cites: outside text, and links that nobody follows unasked. */
function Citations({ message: { citations } }: { message: Message }) {
  const places = citations.filter((it, at) => citations.findIndex((other) => other.url === it.url) === at);
  if (places.length === 0) return null;
  return (
    <section className="text-xs text-muted">
      <h3 className="mb-0.5">{t.chats.cites}</h3>
      <ol className="flex list-decimal flex-col gap-0.5 pl-5">
        {places.map(({ title, url }) => {
          const href = safeUrl(url);
          const name = title || url || t.chats.unnamed;
          return (
            <li key={`${url}${title}`}>
              {href ? (
                <a
                  href={href}
                  target="_blank"
                  rel="noopener noreferrer nofollow"
                  className="break-all text-accent-text underline underline-offset-2"
                >
                  {name}
                </a>
              ) : (
                name
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

/** Reactions, sources and cost. */
function Foot({ message }: { message: Message }) {
  const react = useReact(message.session_id);
  const mayWrite = useMay("member");
  const { usage, sources, reactions } = message;
  if (!usage && sources.length === 0 && reactions.length === 0) return null;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-xs text-muted">
      {reactions.map((it) => (
        <button
          key={it.emoji}
          type="button"
          disabled={!mayWrite}
          aria-pressed={it.mine}
          aria-label={t.chats.reaction(it.emoji, it.count, it.mine)}
          onClick={() => react.mutate({ message: message.id, emoji: it.emoji, isOn: !it.mine })}
          className="flex h-6 items-center gap-1 rounded-full border px-2 hover:bg-hover aria-pressed:border-accent-text aria-pressed:bg-accent-soft aria-pressed:text-accent-text"
        >
          <span aria-hidden>{it.emoji}</span> {it.count}
        </button>
      ))}
      {usage && (
        <span title={t.chats.tokens(usage.input_tokens, usage.output_tokens)}>
          {usage.unpriced ? t.chats.unpriced : dollars(usage.cost_usd_micros)} ·{" "}
          {t.chats.tokens(usage.input_tokens, usage.output_tokens)}
        </span>
      )}
      {sources.length > 0 && (
        <span className="min-w-0">
          {t.chats.sources}: <span className="font-mono break-all">{sources.join(", ")}</span>
        </span>
      )}
    </div>
  );
}
