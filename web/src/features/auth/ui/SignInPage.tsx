import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/problem";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { useSignIn } from "../api/auth";
import { safeNext } from "../model/next";
import { AuthCard, linkClass } from "./AuthCard";

export function SignInPage() {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const signIn = useSignIn();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(
      { email, password },
      { onSuccess: () => navigate({ href: safeNext(next), replace: true }) },
    );
  };
  const isWrong = signIn.error instanceof ApiError && signIn.error.status === 401;

  return (
    <AuthCard
      title={t.auth.signIn.title}
      detail={t.auth.tagline}
      footer={
        <p>
          {t.auth.signIn.none}{" "}
          <Link to="/sign-up" search={next ? { next } : {}} className={linkClass}>
            {t.auth.signIn.create}
          </Link>
        </p>
      }
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        {isWrong ? (
          <Notice tone="bad" title={t.auth.signIn.wrong} />
        ) : (
          signIn.error && <ErrorNotice error={signIn.error} />
        )}
        <TextField
          label={t.auth.email}
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <TextField
          label={t.auth.password}
          type="password"
          name="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" look="primary" size="lg" busy={signIn.isPending}>
          {t.auth.signIn.submit}
        </Button>
        <Link to="/forgot-password" className={`${linkClass} self-start text-sm`}>
          {t.auth.signIn.forgot}
        </Link>
      </form>
    </AuthCard>
  );
}
