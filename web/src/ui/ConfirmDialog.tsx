import { type FormEvent, type ReactNode, useId, useState } from "react";
import { t } from "@/strings";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ErrorNotice } from "./ErrorNotice";
import { TextField } from "./Field";

interface Props {
  title: string;
  /** What will be different afterwards. */
  detail?: ReactNode;
  confirm: string;
  /** Whether something goes away with it. */
  danger?: boolean;
  busy?: boolean;
  error?: unknown;
  /** Has to be typed first, for what can't be taken back. */
  typed?: { label: string; text: string };
  children?: ReactNode;
  onConfirm(): void;
  onClose(): void;
}

/** Asks once more. What the server refuses is said in it, and it stays open. */
export function ConfirmDialog(props: Props) {
  const { title, detail, confirm, danger, busy, error, typed, children, onConfirm, onClose } = props;
  const form = useId();
  const [text, setText] = useState("");
  const isReady = typed === undefined || text.trim() === typed.text.trim();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) onConfirm();
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={title}
      description={detail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            form={form}
            look={danger ? "danger" : "primary"}
            busy={busy}
            disabled={!isReady}
          >
            {confirm}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3 pt-1">
        {error !== undefined && error !== null && <ErrorNotice error={error} />}
        {children}
        {typed && (
          <TextField
            label={typed.label}
            autoComplete="off"
            spellCheck={false}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </form>
    </Dialog>
  );
}
