import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAuth } from "@/app/useAuth";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Skeleton } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { signOut, useAcceptInvitation } from "../api/auth";
import { forgetInvitation, keepInvitation, keptInvitation, takeToken } from "../model/next";
import { AuthCard, linkClass } from "./AuthCard";
import { SignUpForm } from "./SignUpForm";

const s = t.auth.invitation;

function useInvitation() {
  const [token] = useState(() => {
    const fresh = takeToken(location.hash);
    if (fresh) keepInvitation(fresh);
    return fresh ?? keptInvitation();
  });
  return token;
}

export function InvitationPage() {
  const token = useInvitation();
  const auth = useAuth();
  const [isNew, setIsNew] = useState(false);
  const navigate = useNavigate();
  const goIn = () => {
    forgetInvitation();
    void navigate({ to: "/", replace: true });
  };

  if (!token) {
    return (
      <AuthCard title={s.missing} detail={s.missingDetail}>
        <Link to="/" className={buttonClass({ size: "lg" })}>
          {t.errors.home}
        </Link>
      </AuthCard>
    );
  }
  if (auth.status === "unknown") {
    return (
      <AuthCard title={s.title}>
        <Skeleton className="h-10" />
      </AuthCard>
    );
  }
  // Before the next line: making the account signs in, and the form still has to lead on.
  if (isNew) {
    return (
      <AuthCard title={s.joinTitle}>
        <SignUpForm invitation={token} onDone={goIn} />
      </AuthCard>
    );
  }
  if (auth.status === "in") return <Join token={token} email={auth.user.email} onDone={goIn} />;
  return (
    <AuthCard title={s.title} detail={s.detail}>
      <div className="flex flex-col gap-2">
        <Button look="primary" size="lg" onClick={() => setIsNew(true)}>
          {s.create}
        </Button>
        <Link to="/sign-in" search={{ next: "/invitation" }} className={buttonClass({ size: "lg" })}>
          {s.signIn}
        </Link>
      </div>
    </AuthCard>
  );
}

function Join({ token, email, onDone }: { token: string; email: string; onDone(): void }) {
  const accept = useAcceptInvitation();
  const join = () =>
    accept.mutate(token, {
      onSuccess: (org) => {
        toast({ title: s.joined(org.name) });
        onDone();
      },
    });
  return (
    <AuthCard
      title={s.title}
      detail={s.detailSignedIn(email)}
      footer={
        <button type="button" className={linkClass} onClick={() => void signOut()}>
          {s.other}
        </button>
      }
    >
      <div className="flex flex-col gap-4">
        {accept.error && <ErrorNotice error={accept.error} />}
        <Button look="primary" size="lg" busy={accept.isPending} onClick={join}>
          {s.accept}
        </Button>
      </div>
    </AuthCard>
  );
}
