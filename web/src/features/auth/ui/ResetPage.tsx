import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError, flawOf, isCode } from "@/api/problem";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { useResetPassword } from "../api/auth";
import { takeToken } from "../model/next";
import { AuthCard } from "./AuthCard";

const s = t.auth.reset;

export function ResetPage() {
  const [token] = useState(() => takeToken(location.hash));
  const reset = useResetPassword();
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token) reset.mutate({ token, password });
  };
  const isSpent = reset.error instanceof ApiError && reset.error.status === 401;

  if (!token || isSpent) {
    return (
      <AuthCard title={s.badLink} detail={s.badLinkDetail}>
        <Link to="/forgot-password" className={buttonClass({ look: "primary", size: "lg" })}>
          {s.again}
        </Link>
      </AuthCard>
    );
  }
  if (reset.isSuccess) {
    return (
      <AuthCard title={s.doneTitle} detail={s.done}>
        <Link to="/sign-in" className={buttonClass({ look: "primary", size: "lg" })}>
          {s.signIn}
        </Link>
      </AuthCard>
    );
  }
  return (
    <AuthCard title={s.title} detail={s.detail}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {reset.error && !isCode(reset.error, "INVALID") && <ErrorNotice error={reset.error} />}
        <TextField
          label={s.newPassword}
          hint={t.auth.passwordHint}
          flaw={flawOf(reset.error, "/password")}
          type="password"
          autoComplete="new-password"
          minLength={10}
          autoFocus
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" size="lg" busy={reset.isPending}>
          {s.submit}
        </Button>
      </form>
    </AuthCard>
  );
}
