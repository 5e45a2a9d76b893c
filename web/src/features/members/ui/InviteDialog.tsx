import { type FormEvent, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { useSignedIn } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { span } from "@/lib/time";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { ShownOnce } from "@/ui/ShownOnce";
import { type Role, useInvite } from "../api/members";
import { invitationLink, rolesUpTo } from "../model/members";

const s = t.members;

interface Made {
  email: string;
  link: string;
  lasts: string;
}

/** Makes an invitation, and shows its link as long as it is open. */
export function InviteDialog({ onClose }: { onClose(): void }) {
  const form = useId();
  const { org } = useSignedIn();
  const invite = useInvite();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [made, setMade] = useState<Made>();
  if (made) return <MadeDialog made={made} onClose={onClose} />;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    invite.mutate(
      { email: email.trim(), role },
      {
        onSuccess: ({ token, email, expires_at }) => {
          const lasts = span(Math.round((Date.parse(expires_at) - Date.now()) / 60_000) * 60_000);
          setMade({ email, link: invitationLink(location.origin, token), lasts });
        },
      },
    );
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={s.inviteTitle}
      description={s.inviteDetail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" form={form} look="primary" busy={invite.isPending}>
            {s.inviteGo}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-4 pt-2">
        {invite.error && !isCode(invite.error, "INVALID") && <ErrorNotice error={invite.error} />}
        <TextField
          label={s.email}
          hint={s.emailHint}
          flaw={flawOf(invite.error, "/email")}
          type="email"
          autoComplete="off"
          autoFocus
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Field label={s.role} hint={s.may[role] ?? s.roleHint} flaw={flawOf(invite.error, "/role")}>
          {(control) => (
            <select
              {...control}
              value={role}
              onChange={(event) => setRole(event.target.value as Role)}
              className={cx(controlClass, "h-9")}
            >
              {rolesUpTo(org?.role ?? "viewer").map((it) => (
                <option key={it} value={it}>
                  {t.shell.roles[it]}
                </option>
              ))}
            </select>
          )}
        </Field>
      </form>
    </Dialog>
  );
}

function MadeDialog({ made, onClose }: { made: Made; onClose(): void }) {
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={s.invitedTitle}
      description={s.invitedDetail(made.email, made.lasts)}
      footer={
        <Button look="primary" onClick={onClose}>
          {s.done}
        </Button>
      }
    >
      <div className="flex flex-col gap-3 pt-2">
        <ShownOnce label={s.linkLabel} text={made.link} />
        <p className="text-sm text-muted">{s.linkHint}</p>
      </div>
    </Dialog>
  );
}
