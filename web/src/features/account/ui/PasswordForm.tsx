import { type FormEvent, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { useSignedIn } from "@/app/useAuth";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/toast";
import { useChangePassword } from "../api/account";

const s = t.account;

export function PasswordForm() {
  const { user } = useSignedIn();
  const change = useChangePassword();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const isWrong = flawOf(change.error, "/current_password") !== undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate(
      { current_password: current, new_password: fresh },
      {
        onSuccess: () => {
          setCurrent("");
          setFresh("");
          toast({ title: s.changed, detail: s.changedDetail });
        },
      },
    );
  };
  return (
    <Panel title={s.password} detail={s.passwordDetail}>
      <form onSubmit={submit} className="flex max-w-sm flex-col gap-4">
        {change.error && !isCode(change.error, "INVALID") && <ErrorNotice error={change.error} />}
        {/* For what keeps passwords: whose they are. */}
        <input type="email" autoComplete="username" value={user.email} readOnly hidden />
        <TextField
          label={s.current}
          flaw={isWrong ? s.wrong : undefined}
          type="password"
          autoComplete="current-password"
          required
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
        />
        <TextField
          label={s.fresh}
          hint={t.auth.passwordHint}
          flaw={flawOf(change.error, "/new_password")}
          type="password"
          autoComplete="new-password"
          minLength={10}
          required
          value={fresh}
          onChange={(event) => setFresh(event.target.value)}
        />
        <Button type="submit" look="primary" busy={change.isPending} className="self-start">
          {s.change}
        </Button>
      </form>
    </Panel>
  );
}
