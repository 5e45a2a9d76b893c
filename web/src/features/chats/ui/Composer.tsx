import { Paperclip, SendHorizontal, X } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import type { Schema } from "@/api/client";
import { useKeys } from "@/app/keys";
import { uploadFile } from "@/features/artifacts/api/artifacts";
import { size } from "@/features/artifacts/ui/Attachment";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { explain } from "@/ui/ErrorNotice";
import { toast } from "@/ui/toast";
import { type Draft, type OnBusy, type Session, tellTyping, useChangeChat, usePost } from "../api/chats";
import { completed } from "../model/mentions";
import { titleFrom } from "../model/title";
import { MentionList, useMentions } from "./Mentions";

interface Props {
  session: Session;
  /** Whether an agent is at work here. */
  isBusy: boolean;
  onSent(): void;
}

const TYPING_EVERY_MS = 2000;
const FILES_MAX = 16;

/** Where a message is written: mentions, files, and what to do while an agent is at work. */
export function Composer({ session, isBusy, onSent }: Props) {
  const directory = useDirectory();
  const [text, setText] = useState("");
  const [caret, setCaret] = useState(0);
  const [files, setFiles] = useState<Schema<"FileView">[]>([]);
  const [uploads, setUploads] = useState(0);
  const [onBusy, setOnBusy] = useState<OnBusy>("enqueue");
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const toldAt = useRef(0);
  const post = usePost(session.id);
  const name = useChangeChat(session.id);
  const mentions = useMentions(session, text, caret);
  useKeys([{ keys: "w", label: t.chats.keyWrite, group: "page", run: () => area.current?.focus() }]);

  // As high as its text, up to a third of the page.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what changes the height
  useLayoutEffect(() => {
    const element = area.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight, window.innerHeight / 3)}px`;
  }, [text]);

  const write = (next: string, at: number) => {
    setText(next);
    setCaret(at);
    const now = Date.now();
    if (next === "" || now - toldAt.current < TYPING_EVERY_MS) return;
    toldAt.current = now;
    tellTyping(session.id);
  };
  const complete = (name: string) => {
    const next = completed(text, caret, name);
    write(next.text, next.caret);
    requestAnimationFrame(() => area.current?.setSelectionRange(next.caret, next.caret));
    area.current?.focus();
  };
  const add = async (chosen: FileList | File[]) => {
    for (const file of [...chosen].slice(0, FILES_MAX - files.length)) {
      setUploads((count) => count + 1);
      await uploadFile(session.id, file)
        .then((made) => setFiles((known) => [...known, made]))
        .catch((error: unknown) =>
          toast({ tone: "bad", title: t.chats.uploadFailed(file.name), detail: explain(error).detail }),
        );
      setUploads((count) => count - 1);
    }
  };
  const isEmpty = text.trim() === "";
  const send = () => {
    if (isEmpty || post.isPending || uploads > 0) return;
    const draft: Draft = {
      content: text,
      attachments: files.map((it) => it.id),
      onBusy: isBusy ? onBusy : "enqueue",
    };
    post.mutate(draft, {
      onSuccess: () => {
        const title = titleFrom(draft.content);
        if (session.title === "" && title !== "") name.mutate({ title });
        setText("");
        setFiles([]);
        onSent();
      },
      onError: (error) => toast({ tone: "bad", title: t.chats.sendFailed, detail: explain(error).detail }),
    });
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (mentions.onKeyDown(event, complete)) return;
    // On a phone the key is for a new line; there the button sends.
    const isTouch = window.matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && !isTouch) {
      event.preventDefault();
      send();
    }
    if (event.key === "Escape") area.current?.blur();
  };
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    void add(event.clipboardData.files);
  };

  return (
    <form
      className="relative rounded-xl border border-line-strong/60 bg-bg p-2 focus-within:border-accent-text"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <MentionList mentions={mentions} onChoose={complete} />
      {files.length > 0 && (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {files.map((file) => (
            <li
              key={file.id}
              className="flex max-w-full items-center gap-1 rounded-md border bg-surface py-0.5 pl-2 text-xs"
            >
              <span className="min-w-0 truncate">{file.name}</span>
              <span className="text-muted">{size(file.size_bytes)}</span>
              <IconButton
                size="sm"
                label={t.chats.removeFile(file.name)}
                icon={<X />}
                onClick={() => setFiles(files.filter((it) => it !== file))}
              />
            </li>
          ))}
        </ul>
      )}
      <textarea
        ref={area}
        rows={1}
        aria-label={t.chats.composer}
        placeholder={t.chats.placeholder(directory.name(session.agent_ids[0]))}
        value={text}
        onChange={(event) => write(event.target.value, event.target.selectionStart)}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        {...mentions.aria}
        className="block max-h-[33dvh] w-full resize-none bg-transparent px-2 py-1 text-base leading-6 max-md:text-[16px] outline-none focus-visible:outline-none"
      />
      <div className="mt-1 flex items-center gap-1.5">
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            if (event.target.files) void add(event.target.files);
            event.target.value = "";
          }}
        />
        <IconButton label={t.chats.attach} icon={<Paperclip />} onClick={() => picker.current?.click()} />
        {uploads > 0 && (
          <span role="status" className="text-xs text-muted">
            {t.chats.uploading}
          </span>
        )}
        <span className="flex-1" />
        {isBusy && (
          <select
            aria-label={t.chats.busyLabel}
            title={t.chats.busyHint[onBusy as keyof typeof t.chats.busyHint]}
            value={onBusy}
            onChange={(event) => setOnBusy(event.target.value as OnBusy)}
            className="h-8 rounded-md border bg-surface px-2 text-sm"
          >
            {(["enqueue", "steer", "interrupt"] as const).map((it) => (
              <option key={it} value={it}>
                {t.chats.busy[it]}
              </option>
            ))}
          </select>
        )}
        <Button
          type="submit"
          look="primary"
          icon={<SendHorizontal />}
          busy={post.isPending}
          disabled={isEmpty || uploads > 0}
        >
          {t.chats.send}
        </Button>
      </div>
    </form>
  );
}
