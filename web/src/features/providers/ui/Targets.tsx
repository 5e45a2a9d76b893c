import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useId } from "react";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { controlClass, Field, TextField } from "@/ui/Field";
import { type Provider, testedQuery } from "../api/providers";
import { CAPABILITIES, type Capability, emptyTarget, moved, type TypedTarget } from "../model/profile";

const s = t.models.profile;

interface Props {
  targets: readonly TypedTarget[];
  isWeighted: boolean;
  providers: readonly Provider[];
  flaw(pointer: string): string | undefined;
  onChange(next: TypedTarget[]): void;
}

/** The models of a profile, in their order, which buttons change. */
export function Targets({ targets, isWeighted, providers, flaw, onChange }: Props) {
  const replace = (at: number, part: Partial<TypedTarget>) =>
    onChange(targets.map((it, index) => (index === at ? { ...it, ...part } : it)));
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="pb-2 text-sm font-semibold">{s.targets}</legend>
      <ol className="flex flex-col gap-3">
        {targets.map((it, at) => {
          const name = it.model === "" ? s.target(at + 1) : it.model;
          return (
            <li key={it.key} className="flex flex-col gap-3 rounded-lg border p-3">
              <div className="flex items-center gap-1">
                <span className="min-w-0 flex-1 truncate text-xs text-muted">{s.target(at + 1)}</span>
                <IconButton
                  size="sm"
                  label={s.up(name)}
                  icon={<ArrowUp />}
                  disabled={at === 0}
                  onClick={() => onChange(moved(targets, at, -1))}
                />
                <IconButton
                  size="sm"
                  label={s.down(name)}
                  icon={<ArrowDown />}
                  disabled={at === targets.length - 1}
                  onClick={() => onChange(moved(targets, at, 1))}
                />
                <IconButton
                  size="sm"
                  label={s.drop(name)}
                  icon={<X />}
                  disabled={targets.length === 1}
                  onClick={() => onChange(targets.filter((_, index) => index !== at))}
                />
              </div>
              <OneTarget
                target={it}
                pointer={`/targets/${at}`}
                isWeighted={isWeighted}
                providers={providers}
                flaw={flaw}
                onChange={(part) => replace(at, part)}
              />
            </li>
          );
        })}
      </ol>
      <Button
        size="sm"
        icon={<Plus />}
        className="self-start"
        onClick={() => onChange([...targets, emptyTarget(providers.length === 1 ? providers[0]?.id : "")])}
      >
        {s.add}
      </Button>
    </fieldset>
  );
}

interface OneProps {
  target: TypedTarget;
  pointer: string;
  isWeighted: boolean;
  providers: readonly Provider[];
  flaw(pointer: string): string | undefined;
  onChange(part: Partial<TypedTarget>): void;
}

function OneTarget({ target, pointer, isWeighted, providers, flaw, onChange }: OneProps) {
  const list = useId();
  const known = useQuery(testedQuery(target.provider_id)).data?.found.models ?? [];
  return (
    <>
      <div
        className={cx(
          "grid gap-3",
          isWeighted ? "sm:grid-cols-[1fr_1.5fr_5rem]" : "sm:grid-cols-[1fr_1.5fr]",
        )}
      >
        <Field label={s.provider} flaw={flaw(`${pointer}/provider_id`)}>
          {(control) => (
            <select
              {...control}
              value={target.provider_id}
              onChange={(event) => onChange({ provider_id: event.target.value })}
              className={cx(controlClass, "h-9")}
            >
              <option value="">{s.chooseProvider}</option>
              {providers.map((it) => (
                <option key={it.id} value={it.id}>
                  {it.name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={s.model}
          flaw={flaw(`${pointer}/model`)}
          spellCheck={false}
          list={list}
          value={target.model}
          onChange={(event) => onChange({ model: event.target.value })}
        />
        <datalist id={list}>
          {known.map((it) => (
            <option key={it} value={it} />
          ))}
        </datalist>
        {isWeighted && (
          <TextField
            label={s.weight}
            flaw={flaw(`${pointer}/weight`)}
            inputMode="numeric"
            value={target.weight}
            onChange={(event) => onChange({ weight: event.target.value })}
          />
        )}
      </div>
      <details>
        <summary className="w-fit rounded-md text-sm text-muted hover:text-text">{s.more}</summary>
        <div className="flex flex-col gap-3 pt-3">
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField
              label={s.context}
              hint={s.tableHint}
              flaw={flaw(`${pointer}/context_tokens`)}
              inputMode="numeric"
              value={target.context_tokens}
              onChange={(event) => onChange({ context_tokens: event.target.value })}
            />
            <TextField
              label={s.output}
              hint={s.tableHint}
              flaw={flaw(`${pointer}/output_tokens_max`)}
              inputMode="numeric"
              value={target.output_tokens_max}
              onChange={(event) => onChange({ output_tokens_max: event.target.value })}
            />
          </div>
          <Abilities value={target.capabilities} onChange={(capabilities) => onChange({ capabilities })} />
        </div>
      </details>
    </>
  );
}

function Abilities({
  value,
  onChange,
}: {
  value: Capability[] | null;
  onChange(next: Capability[] | null): void;
}) {
  const toggle = (it: Capability) => {
    const now = value ?? [...CAPABILITIES];
    onChange(now.includes(it) ? now.filter((other) => other !== it) : [...now, it]);
  };
  const box = "size-4 accent-(--accent)";
  return (
    <div className="flex flex-wrap gap-x-4 gap-y-2 text-sm">
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          checked={value === null}
          onChange={() => onChange(value === null ? [...CAPABILITIES] : null)}
          className={box}
        />
        {s.allCapabilities}
      </label>
      {CAPABILITIES.map((it) => (
        <label key={it} className="flex items-center gap-2">
          <input
            type="checkbox"
            disabled={value === null}
            checked={value === null || value.includes(it)}
            onChange={() => toggle(it)}
            className={box}
          />
          {s.capabilities[it]}
        </label>
      ))}
    </div>
  );
}
