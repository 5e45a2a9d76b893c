import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { t } from "@/strings";
import { safeNext } from "../model/next";
import { AuthCard, linkClass } from "./AuthCard";
import { SignUpForm } from "./SignUpForm";

export function SignUpPage() {
  const { next } = useSearch({ from: "/sign-up" });
  const navigate = useNavigate();
  return (
    <AuthCard
      title={t.auth.signUp.title}
      detail={t.auth.tagline}
      footer={
        <p>
          {t.auth.signUp.have}{" "}
          <Link to="/sign-in" search={next ? { next } : {}} className={linkClass}>
            {t.auth.signUp.signIn}
          </Link>
        </p>
      }
    >
      <SignUpForm onDone={() => navigate({ href: safeNext(next), replace: true })} />
    </AuthCard>
  );
}
