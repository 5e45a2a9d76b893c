import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { AMOUNTS, RATES } from "@/features/budgets/model/form";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { OutdatedNotice } from "@/ui/OutdatedNotice";
import { toast } from "@/ui/toast";
import { Outdated, type Profile, providersQuery, useChangeProfile, useCreateProfile } from "../api/providers";
import {
  emptyTarget,
  type ProfileFlaws,
  readProfile,
  STRATEGIES,
  type TypedProfile,
  typedProfile,
} from "../model/profile";
import { Targets } from "./Targets";

const s = t.models.profile;

interface Props {
  /** The one that is changed; otherwise one is made. */
  profile?: Profile;
  /** What a new one begins with. */
  first?: { providerId: string; model: string };
  onClose(): void;
  onCreated?: (id: string) => void;
}

const begun = (profile: Profile | undefined, first: Props["first"]): TypedProfile => {
  const typed = typedProfile(profile);
  return first ? { ...typed, targets: [emptyTarget(first.providerId, first.model)] } : typed;
};

export function ProfileDialog({ profile, first, onClose, onCreated }: Props) {
  const form = useId();
  const providers = useQuery(providersQuery).data ?? [];
  const [typed, setTyped] = useState(() => begun(profile, first));
  const [seen, setSeen] = useState(profile?.version);
  const [flaws, setFlaws] = useState<ProfileFlaws>({ fields: {}, limits: {} });
  const create = useCreateProfile();
  const change = useChangeProfile(profile?.id ?? "");
  const error = create.error ?? change.error;
  const send = (seen: number | undefined) => {
    const { flaws, body } = readProfile(typed);
    setFlaws(flaws);
    if (!body) return;
    const onSuccess = (saved: Profile) => {
      toast({ title: profile ? s.saved(saved.name) : s.created(saved.name) });
      onClose();
      onCreated?.(saved.id);
    };
    if (profile) change.mutate({ seen, change: body }, { onSuccess });
    else create.mutate(body, { onSuccess });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send(seen);
  };
  const outdated = error instanceof Outdated ? (error as Outdated<Profile>) : undefined;
  const flaw = (pointer: string) => {
    const found = flaws.fields[pointer];
    return found ? s.flaws[found] : flawOf(error, pointer);
  };
  const set = (part: Partial<TypedProfile>) => setTyped({ ...typed, ...part });
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={profile ? s.editTitle(profile.name) : s.newTitle}
      description={s.newDetail}
      className="sm:max-w-2xl!"
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" form={form} busy={create.isPending || change.isPending}>
            {profile ? t.models.save : s.create}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate autoComplete="off" className="flex flex-col gap-5 pt-2">
        {outdated && (
          <OutdatedNotice
            onTake={() => {
              setTyped(typedProfile(outdated.current));
              setSeen(outdated.current.version);
              change.reset();
            }}
            onOverwrite={() => send(outdated.current.version)}
          />
        )}
        {error && !outdated && !isCode(error, "INVALID") && <ErrorNotice error={error} />}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={s.name}
            hint={s.nameHint}
            flaw={flaw("/name")}
            required
            spellCheck={false}
            value={typed.name}
            onChange={(event) => set({ name: event.target.value })}
          />
          <TextField
            label={s.description}
            flaw={flaw("/description")}
            value={typed.description}
            onChange={(event) => set({ description: event.target.value })}
          />
        </div>
        <Field label={s.strategy} hint={s.targetsHint[typed.strategy]}>
          {(control) => (
            <select
              {...control}
              value={typed.strategy}
              onChange={(event) =>
                set({ strategy: STRATEGIES.find((it) => it === event.target.value) ?? "priority" })
              }
              className={cx(controlClass, "h-9")}
            >
              {STRATEGIES.map((it) => (
                <option key={it} value={it}>
                  {s.strategies[it]}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Targets
          targets={typed.targets}
          isWeighted={typed.strategy === "weighted"}
          providers={providers}
          flaw={flaw}
          onChange={(targets) => set({ targets })}
        />
        {flaw("/targets") && <Notice tone="bad">{flaw("/targets")}</Notice>}
        <Numbers typed={typed} flaw={flaw} onChange={set} />
        <Limits typed={typed} flaws={flaws} error={error} onChange={set} />
      </form>
    </Dialog>
  );
}

interface PartProps {
  typed: TypedProfile;
  onChange(part: Partial<TypedProfile>): void;
}

function Numbers({ typed, flaw, onChange }: PartProps & { flaw(pointer: string): string | undefined }) {
  const field = (
    name: "temperature" | "top_p" | "max_output_tokens" | "input_price" | "output_price" | "cached_price",
    label: string,
    pointer: string,
  ) => (
    <TextField
      label={label}
      flaw={flaw(pointer)}
      inputMode="decimal"
      value={typed[name]}
      onChange={(event) => onChange({ [name]: event.target.value })}
    />
  );
  return (
    <>
      <fieldset className="grid gap-4 sm:grid-cols-3">
        <legend className="pb-2 text-sm font-semibold">{s.params}</legend>
        {field("temperature", s.temperature, "/params/temperature")}
        {field("top_p", s.topP, "/params/top_p")}
        {field("max_output_tokens", s.maxOutput, "/params/max_output_tokens")}
      </fieldset>
      <fieldset className="grid gap-4 sm:grid-cols-3">
        <legend className="pb-2">
          <span className="block text-sm font-semibold">{s.price}</span>
          <span className="block text-xs text-muted">{s.priceHint}</span>
        </legend>
        {field("input_price", s.priceIn, "/price/input_usd_micros")}
        {field("output_price", s.priceOut, "/price/output_usd_micros")}
        {field("cached_price", s.priceCached, "/price/cached_input_usd_micros")}
      </fieldset>
    </>
  );
}

const budget = t.budgets.form;

function Limits({ typed, flaws, error, onChange }: PartProps & { flaws: ProfileFlaws; error: unknown }) {
  return (
    <fieldset className="grid gap-4 sm:grid-cols-3">
      <legend className="pb-2">
        <span className="block text-sm font-semibold">{s.limits}</span>
        <span className="block text-xs text-muted">{budget.detail}</span>
      </legend>
      {[...AMOUNTS, ...RATES].map((name) => (
        <TextField
          key={name}
          label={budget[name]}
          flaw={
            flaws.limits[name] === "dollars"
              ? budget.badDollars
              : flaws.limits[name] === "count"
                ? budget.badCount
                : flawOf(error, `/budget/${name}`)
          }
          inputMode="decimal"
          value={typed.limits[name]}
          onChange={(event) => onChange({ limits: { ...typed.limits, [name]: event.target.value } })}
        />
      ))}
    </fieldset>
  );
}
