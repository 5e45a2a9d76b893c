import { type FormEvent, useRef, useState } from "react";
import { flawOf } from "@/api/problem";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useUnsaved } from "@/app/useUnsaved";
import { isSameJson } from "@/lib/json";
import { keep } from "@/lib/kept";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { FormFooter } from "@/ui/FormFooter";
import { Notice } from "@/ui/Notice";
import { draftOf } from "../model/draft";
import { type AgentForm as Form, flawsIn, type Member } from "../model/form";
import { DecidesPart, LimitsPart, type PartProps, WhatPart } from "./AgentFormParts";
import { ToolPicker } from "./ToolPicker";

const s = t.agents.form;

interface Props {
  draftKey: string;
  version: number;
  before: Form;
  action: string;
  busy: boolean;
  error: unknown;
  onSubmit(form: Form, before: Form, done: () => void): void;
  onDiscard(): void;
}

/** All of an agent in one form. What is typed stays in the tab until it is saved or undone. */
export function AgentForm({ draftKey, version, before, action, busy, error, onSubmit, onDiscard }: Props) {
  const [draft] = useState(() => draftOf(draftKey));
  const [began] = useState(() => draft ?? { form: before, before, version });
  const [form, setForm] = useState(began.form);
  const [isTried, setTried] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const may = useMay("admin");
  const isChanged = !isSameJson(form, began.before);
  const own = flawsIn(form);
  const isRefused = error !== null && error !== undefined;
  const flaw = (name: Member) =>
    (isTried ? own[name] : undefined) ?? (isRefused ? flawOf(error, `/${name}`) : undefined);
  const set = (next: Partial<Form>) => {
    const whole = { ...form, ...next };
    setForm(whole);
    const isSame = isSameJson(whole, began.before);
    keep(draftKey, isSame ? undefined : { ...began, form: whole });
  };
  const done = useUnsaved(draftKey, isChanged);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    setTried(true);
    if (Object.keys(own).length > 0) {
      toFirstFlaw(element.current);
      return;
    }
    if (!busy && isChanged && may) onSubmit(form, began.before, done);
  };
  const discard = () => {
    done();
    onDiscard();
  };
  useKeys([{ keys: "mod+enter", label: action, group: "page", run: submit }]);
  const part: PartProps = { form, set, flaw };
  return (
    <form
      ref={element}
      onSubmit={submit}
      noValidate
      className="mx-auto flex w-full max-w-4xl flex-col gap-10 p-4 md:p-6"
    >
      {!may && <Notice>{t.agents.readOnly}</Notice>}
      {version !== began.version && <Notice tone="warn">{s.changedSince}</Notice>}
      <WhatPart {...part} />
      <DecidesPart {...part} />
      <section className="flex flex-col gap-4">
        <h2 className="text-base font-semibold">{s.can}</h2>
        <ToolPicker chosen={form.tools} onChange={(tools) => set({ tools })} flaw={flaw("tools")} />
      </section>
      <LimitsPart {...part} />
      {isRefused && <ErrorNotice error={error} />}
      {isTried && Object.keys(own).length > 0 && <Notice tone="bad">{s.flaws}</Notice>}
      <FormFooter
        isChanged={isChanged}
        same={version > 0 ? s.same : undefined}
        action={action}
        busy={busy}
        disabled={!may || !isChanged}
        onDiscard={discard}
      />
    </form>
  );
}

function toFirstFlaw(form: HTMLFormElement | null) {
  // Once the flaws are shown.
  requestAnimationFrame(() => form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
}
