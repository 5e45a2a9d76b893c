import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { useForgotPassword } from "../api/auth";
import { AuthCard, linkClass } from "./AuthCard";

export function ForgotPage() {
  const forgot = useForgotPassword();
  const [email, setEmail] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    forgot.mutate({ email });
  };
  return (
    <AuthCard
      title={t.auth.forgot.title}
      detail={t.auth.forgot.detail}
      footer={
        <Link to="/sign-in" className={linkClass}>
          {t.auth.forgot.back}
        </Link>
      }
    >
      {forgot.isSuccess ? (
        <Notice tone="ok" title={t.auth.forgot.sentTitle}>
          {t.auth.forgot.sent(email)}
        </Notice>
      ) : (
        <form onSubmit={submit} className="flex flex-col gap-4">
          {forgot.error && <ErrorNotice error={forgot.error} />}
          <TextField
            label={t.auth.email}
            type="email"
            autoComplete="username"
            autoFocus
            required
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Button type="submit" look="primary" size="lg" busy={forgot.isPending}>
            {t.auth.forgot.submit}
          </Button>
        </form>
      )}
    </AuthCard>
  );
}
