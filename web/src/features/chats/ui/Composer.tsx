import { Paperclip, SendHorizontal, X } from "lucide-react";
import { type ClipboardEvent, type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useIdentity } from "@/app/useAuth";
import { uploadFile } from "@/features/artifacts/api/artifacts";
import { size } from "@/features/artifacts/ui/Attachment";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { toastFailure } from "@/ui/failure";
import { toast } from "@/ui/toast";
import { type Session, tellTyping, useChangeChat, usePost } from "../api/chats";
import { changeDraft, type OnBusy, takeToSend, useDraft, wasNotSent, wasSent } from "../model/drafts";
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
  const [who] = useState(useIdentity());
  const draft = useDraft(who, session.id);
  const { text, files, uploads } = draft;
  const [caret, setCaret] = useState(text.length);
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
    changeDraft(who, session.id, () => ({ text: next }));
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
    const taken = [...chosen].slice(0, Math.max(0, FILES_MAX - files.length - uploads));
    if (taken.length < chosen.length) toast({ tone: "warn", title: t.chats.tooManyFiles(FILES_MAX) });
    const change = (of: Parameters<typeof changeDraft>[2]) => changeDraft(who, session.id, of);
    change((it) => ({ uploads: it.uploads + taken.length }));
    for (const file of taken) {
      await uploadFile(session.id, file)
        .then((made) => change((it) => ({ files: [...it.files, made] })))
        .catch((error: unknown) => toastFailure(t.chats.uploadFailed(file.name), error));
      change((it) => ({ uploads: it.uploads - 1 }));
    }
  };
  // Steering hands over words alone.
  const how = isBusy && !(onBusy === "steer" && files.length > 0) ? onBusy : "enqueue";
  const isEmpty = text.trim() === "";
  const send = async () => {
    const sending = takeToSend(who, session.id, how);
    if (!sending) return;
    try {
      await post.mutateAsync(sending);
    } catch (error) {
      wasNotSent(who, session.id);
      toastFailure(t.chats.sendFailed, error);
      return;
    }
    wasSent(who, session.id);
    const title = titleFrom(sending.text);
    // A chat without a name is no failure that anybody has to hear of.
    if (session.title === "" && title !== "") name.mutate({ title });
    onSent();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (mentions.onKeyDown(event, complete)) return;
    // On a phone the key is for a new line; there the button sends.
    const isTouch = window.matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing && !isTouch) {
      event.preventDefault();
      void send();
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
        void send();
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
                onClick={() =>
                  changeDraft(who, session.id, (it) => ({
                    files: it.files.filter((one) => one.id !== file.id),
                  }))
                }
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
            title={t.chats.busyHint[how]}
            value={how}
            onChange={(event) => setOnBusy(event.target.value as OnBusy)}
            className="h-8 rounded-md border bg-surface px-2 text-sm"
          >
            {(["enqueue", "steer", "interrupt"] as const).map((it) => (
              <option key={it} value={it} disabled={it === "steer" && files.length > 0}>
                {t.chats.busy[it]}
              </option>
            ))}
          </select>
        )}
        <Button
          type="submit"
          look="primary"
          icon={<SendHorizontal />}
          busy={draft.sending !== undefined}
          disabled={isEmpty || uploads > 0}
        >
          {t.chats.send}
        </Button>
      </div>
    </form>
  );
}
