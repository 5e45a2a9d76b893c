import { type FormEvent, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { useSignedIn } from "@/app/useAuth";
import { rolesUpTo } from "@/features/members/model/members";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { ShownOnce } from "@/ui/ShownOnce";
import { useCreateKey } from "../api/keys";
import { EXPIRIES, type Expiry, expiresAt, gatewaysOf, tryOf } from "../model/keys";

const s = t.keys;
const select = cx(controlClass, "h-9");

/** Makes a key, and shows it as long as it is open: afterwards nobody can. */
export function NewKeyDialog({ onClose }: { onClose(): void }) {
  const form = useId();
  const { org } = useSignedIn();
  const create = useCreateKey();
  const [name, setName] = useState("");
  const [role, setRole] = useState(org?.role ?? "member");
  const [expiry, setExpiry] = useState<Expiry>("90");
  const [made, setMade] = useState<{ name: string; text: string }>();
  if (made) return <MadeDialog {...made} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(
      { name: name.trim(), role, expires_at: expiresAt(expiry, Date.now()) },
      { onSuccess: ({ name, key }) => setMade({ name, text: key }) },
    );
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={s.newTitle}
      description={s.newDetail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" form={form} look="primary" busy={create.isPending}>
            {s.make}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4 pt-2">
        {create.error && !isCode(create.error, "INVALID") && <ErrorNotice error={create.error} />}
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={flawOf(create.error, "/name")}
          autoComplete="off"
          autoFocus
          required
          maxLength={128}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Field label={s.role} hint={t.members.may[role] ?? s.roleHint} flaw={flawOf(create.error, "/role")}>
          {(control) => (
            <select
              {...control}
              value={role}
              onChange={(event) => setRole(event.target.value as typeof role)}
              className={select}
            >
              {rolesUpTo(org?.role ?? "viewer").map((it) => (
                <option key={it} value={it}>
                  {t.shell.roles[it]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Field label={s.expires} flaw={flawOf(create.error, "/expires_at")}>
          {(control) => (
            <select
              {...control}
              value={expiry}
              onChange={(event) => setExpiry(event.target.value as Expiry)}
              className={select}
            >
              {EXPIRIES.map((it) => (
                <option key={it} value={it}>
                  {s.expiry[it]}
                </option>
              ))}
            </select>
          )}
        </Field>
      </form>
    </Dialog>
  );
}

function MadeDialog({ name, text, onClose }: { name: string; text: string; onClose(): void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={s.madeTitle(name)}
      description={s.madeDetail}
      footer={
        <Button look="primary" onClick={onClose}>
          {s.kept}
        </Button>
      }
    >
      <div className="flex flex-col gap-4 pt-2">
        <ShownOnce label={s.keyLabel} text={text} />
        <div className="flex flex-col gap-1.5">
          <h3 className="text-sm font-medium">{s.use}</h3>
          <Code label={s.useLabel} text={tryOf(location.origin, text)} />
        </div>
        <div className="text-sm text-muted">
          <p>{s.useGateway}</p>
          <ul className="mt-1 flex flex-col gap-0.5 font-mono text-xs break-all">
            {gatewaysOf(location.origin).map((it) => (
              <li key={it}>{it}</li>
            ))}
          </ul>
        </div>
      </div>
    </Dialog>
  );
}
