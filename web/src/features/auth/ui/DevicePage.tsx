import { Link, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { ApiError } from "@/api/problem";
import { useSignedIn } from "@/app/useAuth";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { useDecideDevice } from "../api/auth";
import { AuthCard } from "./AuthCard";

const s = t.auth.device;

export function DevicePage() {
  const { code: given } = useSearch({ from: "/signed-in/device" });
  const { orgs, org } = useSignedIn();
  const [code, setCode] = useState(given ?? "");
  const [orgId, setOrgId] = useState(org?.id ?? "");
  const decide = useDecideDevice();
  const say = (decision: "approve" | "deny") =>
    decide.mutate({ user_code: code.trim(), decision, ...(orgId ? { org_id: orgId } : {}) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    say("approve");
  };

  if (decide.isSuccess) {
    const isIn = decide.variables.decision === "approve";
    return (
      <AuthCard
        title={isIn ? s.approvedTitle : s.deniedTitle}
        detail={isIn ? s.approved(decide.data.client_name ?? s.aDevice) : s.denied}
      >
        <Link to="/" className={buttonClass({ look: "primary", size: "lg" })}>
          {t.errors.home}
        </Link>
      </AuthCard>
    );
  }
  const isUnknown = decide.error instanceof ApiError && decide.error.status === 404;
  return (
    <AuthCard title={s.title} detail={s.detail}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {decide.error && !isUnknown && <ErrorNotice error={decide.error} />}
        <TextField
          label={s.code}
          flaw={isUnknown ? s.unknown : undefined}
          required
          autoFocus={!given}
          autoComplete="off"
          autoCapitalize="characters"
          spellCheck={false}
          placeholder="BCDF-GHJK"
          value={code}
          onChange={(event) => {
            setCode(event.target.value);
            // What was said of another code is not said of this one.
            if (decide.isError) decide.reset();
          }}
        />
        {orgs.length > 1 && (
          <Field label={s.org}>
            {(control) => (
              <select
                {...control}
                className={`${controlClass} h-9`}
                value={orgId}
                onChange={(event) => setOrgId(event.target.value)}
              >
                {orgs.map((it) => (
                  <option key={it.id} value={it.id}>
                    {it.name}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <Notice tone="warn">{s.warning}</Notice>
        <div className="flex gap-2">
          <Button type="submit" look="primary" size="lg" className="flex-1" busy={decide.isPending}>
            {s.approve}
          </Button>
          <Button
            size="lg"
            look="danger"
            className="flex-1"
            disabled={decide.isPending || code.trim() === ""}
            onClick={() => say("deny")}
          >
            {s.deny}
          </Button>
        </div>
      </form>
    </AuthCard>
  );
}
