import { useQuery } from "@tanstack/react-query";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { controlClass, Field, TextField } from "@/ui/Field";
import { TextArea } from "@/ui/TextArea";
import { enginesQuery } from "../api/agents";
import { useProfiles } from "../api/profiles";
import { type AgentForm, bytesOf, type Member } from "../model/form";

const s = t.agents.form;

export interface PartProps {
  form: AgentForm;
  set(next: Partial<AgentForm>): void;
  flaw(name: Member): string | undefined;
}

export function WhatPart({ form, set, flaw }: PartProps) {
  return (
    <section className="flex flex-col gap-4">
      <h2 className="text-base font-semibold">{s.what}</h2>
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={flaw("name")}
          required
          maxLength={128}
          autoComplete="off"
          value={form.name}
          onChange={(event) => set({ name: event.target.value })}
        />
        <TextField
          label={s.labels}
          hint={s.labelsHint}
          flaw={flaw("labels")}
          autoComplete="off"
          value={form.labels}
          onChange={(event) => set({ labels: event.target.value })}
        />
      </div>
      <TextField
        label={s.description}
        hint={s.descriptionHint}
        flaw={flaw("description")}
        autoComplete="off"
        value={form.description}
        onChange={(event) => set({ description: event.target.value })}
      />
    </section>
  );
}

export function DecidesPart({ form, set, flaw }: PartProps) {
  const bytes = bytesOf(form.instructions);
  const isModel = form.planner === "model";
  return (
    <section className="flex flex-col gap-4">
      <h2 className="text-base font-semibold">{s.how}</h2>
      <Planner form={form} set={set} flaw={flaw} />
      {isModel && (
        <>
          <div className="grid gap-4 sm:grid-cols-2">
            <Profile form={form} set={set} flaw={flaw} />
            <Engine form={form} set={set} flaw={flaw} />
          </div>
          <TextArea
            label={s.instructions}
            hint={
              <>
                {s.instructionsHint} {bytes > 1024 && s.instructionsSize(`${(bytes / 1024).toFixed(1)} KiB`)}
              </>
            }
            flaw={flaw("instructions")}
            rows={12}
            value={form.instructions}
            onChange={(event) => set({ instructions: event.target.value })}
          />
        </>
      )}
    </section>
  );
}

function Planner({ form, set, flaw }: PartProps) {
  const engines = useQuery(enginesQuery).data ?? [];
  const can = engines.find((it) => it.name === form.engine)?.planners ?? (["model", "rules"] as const);
  const texts = {
    model: [s.plannerModel, s.plannerModelDetail],
    rules: [s.plannerRules, s.plannerRulesDetail],
  } as const;
  return (
    <fieldset className="grid gap-2 sm:grid-cols-2">
      <legend className="mb-2 text-sm font-medium">{s.planner}</legend>
      {can.map((it) => (
        <label
          key={it}
          className={cx(
            "flex cursor-pointer items-start gap-2.5 rounded-lg border p-3",
            it === form.planner ? "border-accent-text bg-accent-soft" : "bg-surface hover:bg-hover/60",
          )}
        >
          <input
            type="radio"
            name="planner"
            checked={it === form.planner}
            onChange={() => set({ planner: it })}
            className="mt-1 size-3.5 accent-accent"
          />
          <span className="min-w-0">
            <span className="block text-sm font-medium">{texts[it][0]}</span>
            <span className="block text-xs text-muted">{texts[it][1]}</span>
          </span>
        </label>
      ))}
      {flaw("planner") && <p className="text-xs text-bad">{flaw("planner")}</p>}
    </fieldset>
  );
}

function Profile({ form, set, flaw }: PartProps) {
  const { names, isKnown } = useProfiles();
  const hint = isKnown && names.size === 0 ? s.profileNone : undefined;
  return (
    <Field label={s.profile} hint={hint} flaw={flaw("model_profile_id")}>
      {(control) => (
        <select
          {...control}
          value={form.profile}
          onChange={(event) => set({ profile: event.target.value })}
          className={cx(controlClass, "h-9")}
        >
          <option value="">{s.profileDefault}</option>
          {[...names].map(([id, name]) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          {form.profile !== "" && !names.has(form.profile) && (
            <option value={form.profile}>{form.profile}</option>
          )}
        </select>
      )}
    </Field>
  );
}

function Engine({ form, set, flaw }: PartProps) {
  const engines = useQuery(enginesQuery).data ?? [{ name: form.engine }];
  return (
    <Field label={s.engine} flaw={flaw("engine")}>
      {(control) => (
        <select
          {...control}
          value={form.engine}
          onChange={(event) => set({ engine: event.target.value as AgentForm["engine"] })}
          className={cx(controlClass, "h-9")}
        >
          {engines.map((it) => (
            <option key={it.name} value={it.name}>
              {s.engines[it.name] ?? it.name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const example = {
  type: "object",
  required: ["team"],
  additionalProperties: false,
  properties: { team: { enum: ["sales", "support"] }, urgent: { type: "boolean" } },
};

export function LimitsPart({ form, set, flaw }: PartProps) {
  return (
    <section className="flex flex-col gap-4">
      <h2 className="text-base font-semibold">{s.limits}</h2>
      <div className="grid gap-4 sm:grid-cols-3">
        <TextField
          label={s.steps}
          hint={s.stepsHint}
          flaw={flaw("max_steps")}
          inputMode="numeric"
          value={form.steps}
          onChange={(event) => set({ steps: event.target.value.trim() })}
        />
        <TextField
          label={s.budget}
          hint={s.budgetHint}
          flaw={flaw("budget_usd_micros")}
          inputMode="decimal"
          autoComplete="off"
          value={form.budget}
          onChange={(event) => set({ budget: event.target.value })}
        />
        <TextField
          label={s.workspace}
          hint={s.workspaceHint}
          flaw={flaw("workspace")}
          autoComplete="off"
          value={form.workspace}
          onChange={(event) => set({ workspace: event.target.value })}
        />
      </div>
      {form.planner === "model" && (
        <div className="flex flex-col gap-2">
          <TextArea
            code
            label={s.schema}
            hint={s.schemaHint}
            flaw={flaw("output_schema")}
            rows={form.schema === "" ? 3 : 10}
            value={form.schema}
            onChange={(event) => set({ schema: event.target.value })}
          />
          {form.schema === "" && (
            <Button
              size="sm"
              className="self-start"
              onClick={() => set({ schema: JSON.stringify(example, null, 2) })}
            >
              {s.schemaExample}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
