import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { RotateCcw } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import type { Schema } from "@/api/client";
import { type Policy, policiesQuery, withCandidate } from "@/features/policies/api/policies";
import { flawsOf } from "@/features/policies/model/problems";
import { Editor } from "@/features/policies/ui/Editor";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field } from "@/ui/Field";
import { Skeleton } from "@/ui/Skeleton";
import { profilesQuery, type Run } from "../api/runs";
import { REPLAY_MODES, type ReplayMode } from "../model/names";

const s = t.runs.replayPage;
type Changes = Schema<"ChangesBody">;

interface Props {
  mode: ReplayMode;
  run: Run;
  isBusy: boolean;
  hasReport: boolean;
  error: unknown;
  onReplay(changes?: Changes): void;
}

const texts = {
  same: [s.modes.same, s.modes.sameDetail],
  policies: [s.modes.policies, s.modes.policiesDetail],
  model: [s.modes.model, s.modes.modelDetail],
} as const;

/** What is to be other in the replay. */
export function ReplayForm({ mode, run, isBusy, hasReport, error, onReplay }: Props) {
  const navigate = useNavigate();
  const choose = (next: ReplayMode) =>
    void navigate({
      to: "/runs/$runId/replay",
      params: { runId: run.id },
      search: next === "same" ? {} : { mode: next },
      replace: true,
    });
  const go = (
    <Button type="submit" look="primary" busy={isBusy}>
      {hasReport ? s.again : s.go}
    </Button>
  );
  return (
    <div className="flex flex-col gap-5">
      <fieldset className="grid gap-1.5 md:grid-cols-3 xl:grid-cols-1">
        <legend className="col-span-full mb-1.5 text-sm font-medium">{s.mode}</legend>
        {REPLAY_MODES.map((it) => (
          <label
            key={it}
            className={cx(
              "flex cursor-pointer items-start gap-2.5 rounded-lg border p-3",
              it === mode ? "border-accent-text bg-accent-soft" : "bg-surface hover:bg-hover/60",
            )}
          >
            <input
              type="radio"
              name="mode"
              checked={it === mode}
              onChange={() => choose(it)}
              className="mt-1 size-3.5 accent-accent"
            />
            <span className="min-w-0">
              <span className="block text-sm font-medium">{texts[it][0]}</span>
              <span className="block text-xs text-muted">{texts[it][1]}</span>
            </span>
          </label>
        ))}
      </fieldset>
      {mode === "same" && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onReplay();
          }}
        >
          {go}
        </form>
      )}
      {mode === "policies" && <PoliciesForm onReplay={onReplay} go={go} error={error} />}
      {mode === "model" && <ModelForm onReplay={onReplay} go={go} />}
    </div>
  );
}

interface FormProps {
  onReplay(changes: Changes): void;
  go: React.ReactNode;
}

function PoliciesForm({ onReplay, go, error }: FormProps & { error: unknown }) {
  const policies = useQuery(policiesQuery);
  if (policies.isPending) return <Skeleton className="h-64 w-full" />;
  if (policies.isError) return <ErrorNotice error={policies.error} onRetry={() => void policies.refetch()} />;
  return <PolicyText policies={policies.data} onReplay={onReplay} go={go} error={error} />;
}

const NEW = "";

function PolicyText({
  policies,
  onReplay,
  go,
  error,
}: FormProps & { policies: readonly Policy[]; error: unknown }) {
  const [name, setName] = useState(policies[0]?.name ?? NEW);
  const inForce = policies.find((it) => it.name === name);
  const [text, setText] = useState(inForce?.cedar ?? "");
  const [beginning, setBeginning] = useState(0);
  const begin = (next: string) => {
    setText(next);
    setBeginning((old) => old + 1);
  };
  const sent = name === NEW ? "candidate" : name;
  const flaws = useMemo(() => flawsOf(error).filter((it) => it.policy === sent), [error, sent]);
  const choose = (next: string) => {
    setName(next);
    begin(policies.find((it) => it.name === next)?.cedar ?? "");
  };
  const replay = () =>
    onReplay({
      policies: withCandidate(policies, {
        name: sent,
        cedar: text,
        managed: inForce?.managed ?? false,
      }),
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    replay();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label={s.policy}>
        {(control) => (
          <select
            {...control}
            value={name}
            onChange={(event) => choose(event.target.value)}
            className={cx(controlClass, "h-9")}
          >
            {policies.map((it) => (
              <option key={it.name} value={it.name}>
                {it.name}
              </option>
            ))}
            <option value={NEW}>{s.newPolicy}</option>
          </select>
        )}
      </Field>
      <div className="flex flex-col gap-1.5">
        <div className="flex items-center justify-between">
          <span className="text-sm font-medium">{s.policyText}</span>
          {inForce && text !== inForce.cedar && (
            <Button size="sm" look="ghost" icon={<RotateCcw />} onClick={() => begin(inForce.cedar)}>
              {s.policyReset}
            </Button>
          )}
        </div>
        <div className="h-96">
          <Editor
            label={s.policyText}
            key={beginning}
            initial={text}
            onChange={setText}
            onSubmit={replay}
            flaws={flaws}
          />
        </div>
        <p className="text-xs text-muted">{s.policyHint}</p>
      </div>
      {go}
    </form>
  );
}

function ModelForm({ onReplay, go }: FormProps) {
  const profiles = useQuery(profilesQuery);
  const [profile, setProfile] = useState("");
  const [instructions, setInstructions] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const chosen = profile || profiles.data?.items[0]?.id;
    onReplay({
      ...(instructions.trim() ? { instructions } : {}),
      ...(chosen && (profile || !instructions.trim()) ? { model_profile_id: chosen } : {}),
    });
  };
  if (profiles.isPending) return <Skeleton className="h-32 w-full" />;
  if (profiles.isError) return <ErrorNotice error={profiles.error} onRetry={() => void profiles.refetch()} />;
  if (profiles.data.items.length === 0) return <p className="text-sm text-muted">{s.noProfiles}</p>;
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label={s.model}>
        {(control) => (
          <select
            {...control}
            value={profile}
            onChange={(event) => setProfile(event.target.value)}
            className={cx(controlClass, "h-9")}
          >
            {instructions.trim() && <option value="">{s.sameModel}</option>}
            {profiles.data.items.map((it) => (
              <option key={it.id} value={it.id}>
                {it.name}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label={s.instructions} hint={s.instructionsHint}>
        {(control) => (
          <textarea
            {...control}
            rows={5}
            value={instructions}
            onChange={(event) => setInstructions(event.target.value)}
            className={cx(controlClass, "py-2")}
          />
        )}
      </Field>
      {go}
    </form>
  );
}
