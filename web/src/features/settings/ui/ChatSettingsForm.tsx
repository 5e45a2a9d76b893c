import { Plus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { flawOf, isCode } from "@/api/problem";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Select } from "@/ui/Select";
import { toast } from "@/ui/toast";
import { type ChatSettings, useSetChatSettings } from "../api/organisation";
import { bodyOf, daysOf, formOf, isChanged, type RuleForm } from "../model/chatForm";

const s = t.organisation;
const days = { inputMode: "numeric", autoComplete: "off", placeholder: s.never } as const;

export function ChatSettingsForm({ settings }: { settings: ChatSettings }) {
  const may = useMay("admin");
  const set = useSetChatSettings();
  const [form, setForm] = useState(() => formOf(settings));
  const body = bodyOf(form);
  const flaw = (text: string, pointer: string) =>
    daysOf(text) === undefined ? s.badDays : flawOf(set.error, pointer);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (body) set.mutate(body, { onSuccess: () => toast({ title: s.saved }) });
  };
  return (
    <form onSubmit={submit}>
      <fieldset disabled={!may} className="flex flex-col gap-5">
        <legend className="sr-only">{s.chats}</legend>
        {set.error && (!isCode(set.error, "INVALID") || flawOf(set.error, "/retention")) && (
          <ErrorNotice error={set.error} />
        )}
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField
            label={`${s.idle} (${s.days})`}
            hint={s.idleHint}
            flaw={flaw(form.idle, "/idle_after_days")}
            {...days}
            value={form.idle}
            onChange={(event) => setForm({ ...form, idle: event.target.value })}
          />
          <TextField
            label={`${s.archive} (${s.days})`}
            hint={s.archiveHint}
            flaw={flaw(form.archive, "/archive_after_days")}
            {...days}
            value={form.archive}
            onChange={(event) => setForm({ ...form, archive: event.target.value })}
          />
        </div>
        <Rules rules={form.rules} may={may} onChange={(rules) => setForm({ ...form, rules })} />
        {may && isChanged(form, settings) && (
          <div className="flex items-center gap-2">
            <Button type="submit" look="primary" busy={set.isPending} disabled={!body}>
              {s.save}
            </Button>
            <Button onClick={() => setForm(formOf(settings))}>{s.undo}</Button>
          </div>
        )}
      </fieldset>
    </form>
  );
}

interface RulesProps {
  rules: readonly RuleForm[];
  may: boolean;
  onChange(rules: RuleForm[]): void;
}

function Rules({ rules, may, onChange }: RulesProps) {
  const change = (key: number, part: Partial<RuleForm>) =>
    onChange(rules.map((it) => (it.key === key ? { ...it, ...part } : it)));
  const next = Math.max(-1, ...rules.map((it) => it.key)) + 1;
  return (
    <div className="flex flex-col gap-2">
      <h3 className="text-sm font-medium">{s.rules}</h3>
      <p className="text-xs text-muted">{rules.length > 0 ? s.rulesDetail : s.rulesNone}</p>
      <ul aria-label={s.rules} className="flex flex-col gap-2 empty:hidden">
        {rules.map((it) => (
          <li key={it.key} className="flex flex-wrap items-center gap-2">
            <input
              aria-label={s.label}
              placeholder={s.anyLabel}
              autoComplete="off"
              value={it.label}
              onChange={(event) => change(it.key, { label: event.target.value })}
              className={`${controlClass} h-8 min-w-40 flex-1`}
            />
            <input
              aria-label={s.after}
              aria-invalid={daysOf(it.days) ? undefined : true}
              inputMode="numeric"
              autoComplete="off"
              placeholder={s.days}
              value={it.days}
              onChange={(event) => change(it.key, { days: event.target.value })}
              className={`${controlClass} h-8 w-20!`}
            />
            <Select
              label={s.action}
              value={it.action}
              onChange={(value) => change(it.key, { action: value === "delete" ? "delete" : "archive" })}
              options={[
                { value: "archive", name: s.actions.archive },
                { value: "delete", name: s.actions.delete },
              ]}
            />
            {may && (
              <IconButton
                label={s.removeRule}
                icon={<X />}
                onClick={() => onChange(rules.filter((other) => other.key !== it.key))}
              />
            )}
          </li>
        ))}
      </ul>
      {rules.some((it) => it.action === "delete") && <Notice tone="warn">{s.deletes}</Notice>}
      {may && (
        <Button
          size="sm"
          icon={<Plus />}
          className="self-start"
          onClick={() => onChange([...rules, { key: next, label: "", days: "", action: "archive" }])}
        >
          {s.addRule}
        </Button>
      )}
    </div>
  );
}
