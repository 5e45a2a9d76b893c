import { type FormEvent, useState } from "react";
import { ApiError, flawOf, isCode } from "@/api/problem";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { useSignUp } from "../api/auth";

interface Props {
  /** Joins the organisation of this invitation instead of making one. */
  invitation?: string | undefined;
  onDone(): void;
}

export function SignUpForm({ invitation, onDone }: Props) {
  const signUp = useSignUp();
  const [form, setForm] = useState({ name: "", email: "", password: "", org_name: "" });
  const bind = (field: keyof typeof form) => ({
    name: field,
    value: form[field],
    flaw: flawOf(signUp.error, `/${field}`),
    onChange: (event: { target: { value: string } }) => setForm({ ...form, [field]: event.target.value }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { org_name, ...person } = form;
    const body = invitation ? { ...person, invitation_token: invitation } : { ...person, org_name };
    signUp.mutate(body, { onSuccess: onDone });
  };
  const { error } = signUp;

  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {error && <Refusal error={error} />}
      <TextField
        label={t.auth.name}
        autoComplete="name"
        autoFocus
        required
        maxLength={200}
        {...bind("name")}
      />
      <TextField label={t.auth.email} type="email" autoComplete="username" required {...bind("email")} />
      <TextField
        label={t.auth.password}
        hint={t.auth.passwordHint}
        type="password"
        autoComplete="new-password"
        minLength={10}
        required
        {...bind("password")}
      />
      {!invitation && (
        <TextField
          label={t.auth.orgName}
          hint={t.auth.orgHint}
          autoComplete="organization"
          required
          maxLength={200}
          {...bind("org_name")}
        />
      )}
      <Button type="submit" look="primary" size="lg" busy={signUp.isPending}>
        {t.auth.signUp.submit}
      </Button>
    </form>
  );
}

function Refusal({ error }: { error: Error }) {
  if (error instanceof ApiError && error.status === 403) {
    return (
      <Notice tone="warn" title={t.auth.signUp.closed}>
        {t.auth.signUp.closedDetail}
      </Notice>
    );
  }
  if (error instanceof ApiError && error.status === 409)
    return <Notice tone="bad" title={t.auth.signUp.taken} />;
  // Flaws stand at their fields.
  if (isCode(error, "INVALID")) return null;
  return <ErrorNotice error={error} />;
}
