import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { type Secret, useCreateSecret, useDeleteSecret, useRotateSecret } from "../api/secrets";

const s = t.secrets;

interface FormProps {
  title: string;
  detail: string;
  error: unknown;
  busy: boolean;
  onSubmit(): void;
  onClose(): void;
  children: ReactNode;
}

function FormDialog({ title, detail, error, busy, onSubmit, onClose, children }: FormProps) {
  const form = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
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
          <Button type="submit" form={form} look="primary" busy={busy}>
            {s.store}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} autoComplete="off" className="flex flex-col gap-4 pt-2">
        {error !== null && !isCode(error, "INVALID") && <ErrorNotice error={error} />}
        {children}
      </form>
    </Dialog>
  );
}

/** A value that is typed unseen. It lives in the field, and in the one request. */
function ValueField({
  value,
  flaw,
  onChange,
}: {
  value: string;
  flaw?: string | undefined;
  onChange(value: string): void;
}) {
  return (
    <TextField
      label={s.value}
      hint={s.valueHint}
      flaw={flaw}
      type="password"
      autoComplete="off"
      spellCheck={false}
      required
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

export function NewSecretDialog({ onClose }: { onClose(): void }) {
  const create = useCreateSecret();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const store = () =>
    create.mutate(
      { name: name.trim(), value },
      {
        onSuccess: (secret) => {
          toast({ title: s.stored(secret.name) });
          onClose();
          void navigate({ to: "/settings/secrets/$secretId", params: { secretId: secret.id } });
        },
      },
    );
  return (
    <FormDialog
      title={s.newTitle}
      detail={s.newDetail}
      error={create.error}
      busy={create.isPending}
      onSubmit={store}
      onClose={onClose}
    >
      <TextField
        label={s.name}
        hint={s.nameHint}
        flaw={flawOf(create.error, "/name")}
        autoComplete="off"
        spellCheck={false}
        autoFocus
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <ValueField value={value} flaw={flawOf(create.error, "/value")} onChange={setValue} />
    </FormDialog>
  );
}

export function RotateDialog({ secret, onClose }: { secret: Secret; onClose(): void }) {
  const rotate = useRotateSecret();
  const [value, setValue] = useState("");
  const store = () =>
    rotate.mutate(
      { id: secret.id, value },
      {
        onSuccess: ({ name, version }) => {
          toast({ title: s.rotated(name, version) });
          onClose();
        },
      },
    );
  return (
    <FormDialog
      title={s.rotateTitle(secret.name)}
      detail={s.rotateDetail}
      error={rotate.error}
      busy={rotate.isPending}
      onSubmit={store}
      onClose={onClose}
    >
      <ValueField value={value} flaw={flawOf(rotate.error, "/value")} onChange={setValue} />
    </FormDialog>
  );
}

/** The dialog says what went wrong. */
const unsaid = () => undefined;

interface DeleteProps {
  secret: Secret;
  /** What uses it, by name. */
  usedBy: readonly string[];
  onClose(): void;
}

export function DeleteDialog({ secret, usedBy, onClose }: DeleteProps) {
  const remove = useDeleteSecret();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      danger
      title={s.deleteTitle(secret.name)}
      detail={s.deleteDetail}
      confirm={s.delete}
      busy={remove.isPending}
      error={remove.error}
      typed={{ label: s.deleteType(secret.name), text: secret.name }}
      onConfirm={() =>
        void remove.mutateAsync(secret.id).then(() => {
          toast({ title: s.deleted(secret.name) });
          return navigate({ to: "/settings/secrets" });
        }, unsaid)
      }
      onClose={onClose}
    >
      {usedBy.length > 0 && <Notice tone="warn">{s.deleteUsed(usedBy.join(", "))}</Notice>}
    </ConfirmDialog>
  );
}
