import { type FormEvent, useRef, useState } from "react";
import { flawOf } from "@/api/problem";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useUnsaved } from "@/app/useUnsaved";
import { cx } from "@/lib/cx";
import { isObject, isSameJson } from "@/lib/json";
import { keep, kept } from "@/lib/kept";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { FormFooter } from "@/ui/FormFooter";
import { Notice } from "@/ui/Notice";
import { TextArea } from "@/ui/TextArea";
import {
  argumentsIn,
  type ToolForm as Form,
  flawsIn,
  hostOf,
  isForm,
  METHODS,
  type Member,
} from "../model/httpTool";
import { Headers } from "./Headers";

const s = t.tools.form;

interface Props {
  draftKey: string;
  before: Form;
  isNew?: boolean;
  action: string;
  busy: boolean;
  error: unknown;
  onSubmit(form: Form, done: () => void, before: Form): void;
  onDiscard(): void;
}

/** What was kept in the tab, if it is a form as they are today. */
function draftOf(key: string): { form: Form; before: Form } | undefined {
  const value = kept(key);
  if (!isObject(value)) return undefined;
  const { form, before } = value;
  return isForm(form) && isForm(before) ? { form, before } : undefined;
}

/** All of an HTTP tool in one form. What is typed stays in the tab until it is saved or undone. */
export function ToolForm({
  draftKey,
  before,
  isNew = false,
  action,
  busy,
  error,
  onSubmit,
  onDiscard,
}: Props) {
  const [began] = useState(() => draftOf(draftKey) ?? { form: before, before });
  const [form, setForm] = useState(began.form);
  const [isTried, setTried] = useState(false);
  const element = useRef<HTMLFormElement>(null);
  const may = useMay("admin");
  const isChanged = !isSameJson(form, began.before);
  const own = flawsIn(form, isNew);
  const flaw = (name: Member) => (isTried ? own[name] : undefined) ?? flawOf(error, `/${name}`);
  const set = (next: Partial<Form>) => {
    const whole = { ...form, ...next };
    setForm(whole);
    keep(draftKey, isSameJson(whole, began.before) ? undefined : { ...began, form: whole });
  };
  const done = useUnsaved(draftKey, isChanged);
  const submit = (event?: FormEvent) => {
    event?.preventDefault();
    setTried(true);
    if (Object.keys(own).length > 0) {
      // Once the flaws are shown.
      requestAnimationFrame(() =>
        element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(),
      );
      return;
    }
    if (!busy && isChanged && may) onSubmit(form, done, began.before);
  };
  useKeys([{ keys: "mod+enter", label: action, group: "page", run: submit }]);
  return (
    <form
      ref={element}
      onSubmit={submit}
      noValidate
      className="mx-auto flex w-full max-w-3xl flex-col gap-6 p-4 md:p-6"
    >
      {!may && <Notice>{t.tools.readOnly}</Notice>}
      {isNew && (
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={flaw("name")}
          required
          autoComplete="off"
          value={form.name}
          onChange={(event) => set({ name: event.target.value.trim() })}
        />
      )}
      <TextField
        label={s.description}
        hint={s.descriptionHint}
        flaw={flaw("description")}
        autoComplete="off"
        value={form.description}
        onChange={(event) => set({ description: event.target.value })}
      />
      <RequestFields form={form} set={set} flaw={flaw} />
      <TextArea
        code
        label={s.schema}
        hint={s.schemaHint}
        flaw={flaw("schema")}
        rows={10}
        value={form.schema}
        onChange={(event) => set({ schema: event.target.value })}
      />
      <Headers
        headers={form.headers}
        isNew={isNew}
        tool={form.name}
        flaw={flaw("headers")}
        onChange={(headers) => set({ headers })}
      />
      {error !== null && error !== undefined && <ErrorNotice error={error} />}
      {isTried && Object.keys(own).length > 0 && <Notice tone="bad">{s.flaws}</Notice>}
      <FormFooter
        isChanged={isChanged}
        same={isNew ? undefined : s.same}
        action={action}
        busy={busy}
        disabled={!may || !isChanged}
        onDiscard={() => {
          done();
          onDiscard();
        }}
      />
    </form>
  );
}

interface RequestProps {
  form: Form;
  set(next: Partial<Form>): void;
  flaw(name: Member): string | undefined;
}

function RequestFields({ form, set, flaw }: RequestProps) {
  const host = hostOf(form.url);
  const names = argumentsIn(form.url);
  const select = cx(controlClass, "h-9");
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-[8rem_minmax(0,1fr)]">
        <Field label={s.method} flaw={flaw("method")}>
          {(control) => (
            <select
              {...control}
              value={form.method}
              onChange={(event) => set({ method: event.target.value })}
              className={select}
            >
              {form.method === "" && <option value="">—</option>}
              {METHODS.map((it) => (
                <option key={it} value={it}>
                  {it}
                </option>
              ))}
            </select>
          )}
        </Field>
        <TextField
          label={s.url}
          hint={form.url === "" ? s.urlHint : `${s.urlArguments}: ${names.join(", ") || s.urlNone}`}
          flaw={flaw("url_template")}
          type="url"
          autoComplete="off"
          spellCheck={false}
          value={form.url}
          onChange={(event) => set({ url: event.target.value })}
        />
      </div>
      {host && <p className="text-sm text-muted">{s.host(host)}</p>}
      <Field label={s.idempotent} flaw={flaw("idempotent")} className="sm:w-96">
        {(control) => (
          <select
            {...control}
            value={form.idempotent}
            onChange={(event) => set({ idempotent: event.target.value as Form["idempotent"] })}
            className={select}
          >
            <option value="auto">{s.idempotentAuto}</option>
            <option value="yes">{s.idempotentYes}</option>
            <option value="no">{s.idempotentNo}</option>
          </select>
        )}
      </Field>
    </>
  );
}
