import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { keyNamesQuery, useDirectory } from "@/features/directory/api/directory";
import { Outdated, profilesQuery } from "@/features/providers/api/providers";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { OutdatedNotice } from "@/ui/OutdatedNotice";
import { toast } from "@/ui/toast";
import { type Budget, useSetBudget } from "../api/budgets";
import {
  type Amount,
  amountsOf,
  type Flaws,
  RATES,
  type Rate,
  read,
  type Typed,
  typedOf,
} from "../model/form";
import { kindOf, type ScopeKind } from "../model/scope";
import { useScopeName } from "./useScopeName";

const s = t.budgets.form;

interface Props {
  /** The one that is changed; otherwise one is made. */
  budget?: Budget | undefined;
  scope?: string | undefined;
  /** Scopes that have one. */
  taken?: readonly string[];
  onClose(): void;
}

/** Everything that can be limited, in one form. What was typed stays when the server refuses. */
export function BudgetDialog({ budget, scope: fixed, taken = [], onClose }: Props) {
  const form = useId();
  const nameOf = useScopeName();
  const [kind, setKind] = useState<ScopeKind>(
    budget || fixed || !taken.includes("org") ? kindOf(budget?.scope ?? fixed ?? "org") : "agent",
  );
  const [chosen, setChosen] = useState(budget?.scope ?? fixed ?? (taken.includes("org") ? "" : "org"));
  const [typed, setTyped] = useState<Typed>(() => typedOf(budget ?? {}));
  const [seen, setSeen] = useState(budget?.version ?? 0);
  const [flaws, setFlaws] = useState<Flaws>({});
  const [isUnchosen, setUnchosen] = useState(false);
  const set = useSetBudget();
  const scope = chosen.trim();
  const send = (over: number | undefined) => {
    const { flaws, body } = read(typed, kind);
    setFlaws(flaws);
    setUnchosen(scope === "");
    if (!body || scope === "") return;
    set.mutate(
      { scope, body, seen: over },
      {
        onSuccess: () => {
          toast({ title: s.saved(nameOf(scope)) });
          onClose();
        },
      },
    );
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(seen);
  };
  const outdated = set.error instanceof Outdated ? (set.error as Outdated<Budget | null>) : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={budget ? s.editTitle(nameOf(budget.scope)) : s.newTitle}
      description={s.detail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" form={form} busy={set.isPending}>
            {budget ? s.save : s.create}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate className="flex flex-col gap-4 pt-2">
        {outdated && (
          <OutdatedNotice
            onTake={() => {
              setTyped(typedOf(outdated.current ?? {}));
              setSeen(outdated.current?.version ?? 0);
              set.reset();
            }}
            onOverwrite={() => send(undefined)}
          />
        )}
        {set.error && !outdated && !isCode(set.error, "INVALID") && <ErrorNotice error={set.error} />}
        {!budget && !fixed && (
          <Whose
            kind={kind}
            scope={chosen}
            taken={taken}
            isUnchosen={isUnchosen && scope === ""}
            onChange={(kind, scope) => {
              setKind(kind);
              setChosen(scope);
            }}
          />
        )}
        <Limits kind={kind} typed={typed} flaws={flaws} error={set.error} onChange={setTyped} />
        {flaws.models === "none" && <Notice tone="bad">{s.none}</Notice>}
      </form>
    </Dialog>
  );
}

const KINDS = ["org", "agent", "user", "key", "profile", "run"] as const;

function Whose({
  kind,
  scope,
  taken,
  isUnchosen,
  onChange,
}: {
  kind: ScopeKind;
  scope: string;
  taken: readonly string[];
  isUnchosen: boolean;
  onChange(kind: ScopeKind, scope: string): void;
}) {
  const { agents, members } = useDirectory();
  const keys = useQuery(keyNamesQuery).data ?? [];
  const profiles = useQuery(profilesQuery).data ?? [];
  const things: Partial<Record<ScopeKind, { id: string; name: string }[]>> = {
    agent: agents.map(({ id, name }) => ({ id, name })),
    user: members.map((it) => ({ id: it.user_id, name: it.name })),
    key: keys.map(({ id, name }) => ({ id, name })),
    profile: profiles.map(({ id, name }) => ({ id, name })),
  };
  const options = things[kind];
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={s.whose}>
        {(control) => (
          <select
            {...control}
            value={kind}
            onChange={(event) => {
              const next = KINDS.find((it) => it === event.target.value) ?? "org";
              onChange(next, next === "org" && !taken.includes("org") ? "org" : "");
            }}
            className={cx(controlClass, "h-9")}
          >
            {KINDS.map((it) => (
              <option key={it} value={it} disabled={it === "org" && taken.includes("org")}>
                {it === "org" && taken.includes("org") ? s.has(t.budgets.kinds.org) : t.budgets.kinds[it]}
              </option>
            ))}
          </select>
        )}
      </Field>
      {kind === "run" && (
        <TextField
          label={s.runId}
          flaw={isUnchosen ? s.unchosen : undefined}
          hint={s.runHint}
          required
          autoComplete="off"
          spellCheck={false}
          value={scope}
          onChange={(event) => onChange(kind, event.target.value)}
        />
      )}
      {options && (
        <Field
          label={s.which}
          hint={options.length === 0 ? s.nobody : undefined}
          flaw={isUnchosen ? s.unchosen : undefined}
        >
          {(control) => (
            <select
              {...control}
              required
              value={scope}
              onChange={(event) => onChange(kind, event.target.value)}
              className={cx(controlClass, "h-9")}
            >
              <option value="">{s.choose}</option>
              {options.map((it) => (
                <option key={it.id} value={it.id} disabled={taken.includes(it.id)}>
                  {taken.includes(it.id) ? s.has(it.name) : it.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </div>
  );
}

interface LimitsProps {
  kind: ScopeKind;
  typed: Typed;
  flaws: Flaws;
  error: unknown;
  onChange(next: Typed): void;
}

function Limits({ kind, typed, flaws, error, onChange }: LimitsProps) {
  const flaw = (name: Amount | Rate) => {
    if (flaws[name] === "dollars") return s.badDollars;
    if (flaws[name] === "count") return s.badCount;
    return flawOf(error, `/${name}`);
  };
  const zero = (name: Amount | Rate) => (typed[name].trim() === "0" ? s.zero : undefined);
  const field = (name: Amount | Rate, label: string, hint?: string) => (
    <TextField
      key={name}
      label={label}
      hint={zero(name) ?? hint}
      flaw={flaw(name)}
      inputMode="decimal"
      autoComplete="off"
      value={typed[name]}
      onChange={(event) => onChange({ ...typed, [name]: event.target.value })}
    />
  );
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-2">
        {amountsOf(kind).map((name) => field(name, kind === "run" ? s.per_run_in_all : s[name]))}
        {RATES.map((name) => field(name, s[name], name === "tokens_per_minute" ? s.tokensHint : undefined))}
      </div>
      <label className="flex items-center gap-2 text-sm">
        <input
          type="checkbox"
          checked={typed.someModels}
          onChange={(event) => onChange({ ...typed, someModels: event.target.checked })}
          className="size-4 accent-(--accent)"
        />
        {s.someModels}
      </label>
      {typed.someModels && (
        <Field
          label={s.models}
          hint={s.modelsHint}
          flaw={flaws.models === "model" ? s.badModel : flawOf(error, "/models")}
        >
          {(control) => (
            <textarea
              {...control}
              rows={4}
              spellCheck={false}
              value={typed.models}
              onChange={(event) => onChange({ ...typed, models: event.target.value })}
              className={cx(controlClass, "py-2 font-mono text-sm")}
            />
          )}
        </Field>
      )}
    </>
  );
}
