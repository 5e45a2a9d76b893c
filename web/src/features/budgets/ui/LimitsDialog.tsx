import { type FormEvent, useId, useState } from "react";
import type { Schema } from "@/api/client";
import { flawOf, isCode } from "@/api/problem";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, Field, TextField } from "@/ui/Field";
import { toast } from "@/ui/toast";
import { useSetLimits } from "../api/budgets";
import {
  hostsIn,
  type LimitFlaw,
  readLimits,
  TOOL_LIMITS,
  type ToolLimit,
  typedLimits,
} from "../model/limits";
import { amountOf } from "./ToolLimits";

const s = t.limits;

type HostList = "egress_hosts_allowed" | "egress_hosts_denied";

/** The organisation's own limits, beside what the plan allows. */
export function LimitsDialog({ limits, onClose }: { limits: Schema<"LimitsView">; onClose(): void }) {
  const form = useId();
  const [typed, setTyped] = useState(() => typedLimits(limits));
  const [flaws, setFlaws] = useState<Partial<Record<ToolLimit, LimitFlaw>>>({});
  const set = useSetLimits();
  const planMax = (limit: ToolLimit) => limits.items.find((it) => it.limit === limit)?.plan_max;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { flaws, body } = readLimits(typed, planMax);
    setFlaws(flaws);
    if (!body) return;
    set.mutate(body, {
      onSuccess: () => {
        toast({ title: s.saved });
        onClose();
      },
    });
  };
  const flawText = (limit: ToolLimit) => {
    switch (flaws[limit]) {
      case "count":
        return s.badCount;
      case "bytes":
        return s.badBytes;
      case "wider":
        return s.wider(amountOf(limit)(planMax(limit) ?? 0));
      case undefined:
        return flawOf(set.error, `/${limit}`);
    }
  };
  const hint = (limit: ToolLimit) => {
    const max = planMax(limit);
    return typeof max === "number" ? s.planHint(amountOf(limit)(max)) : s.planFree;
  };
  const hosts = (name: HostList, label: string) => (
    <Field label={label} hint={s.hostsHint} flaw={hostFlaw(set.error, name, typed[name])}>
      {(control) => (
        <textarea
          {...control}
          rows={3}
          spellCheck={false}
          value={typed[name]}
          onChange={(event) => setTyped({ ...typed, [name]: event.target.value })}
          className={cx(controlClass, "py-2 font-mono text-sm")}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={s.formTitle}
      description={s.formDetail}
      className="sm:max-w-2xl!"
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" form={form} busy={set.isPending}>
            {s.save}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} noValidate className="flex flex-col gap-4 pt-2">
        {set.error && !isCode(set.error, "INVALID") && <ErrorNotice error={set.error} />}
        <div className="grid gap-4 sm:grid-cols-2">
          {TOOL_LIMITS.map((limit) => (
            <TextField
              key={limit}
              label={s.names[limit]}
              hint={hint(limit)}
              flaw={flawText(limit)}
              autoComplete="off"
              value={typed[limit]}
              onChange={(event) => setTyped({ ...typed, [limit]: event.target.value })}
            />
          ))}
        </div>
        <label className="flex items-center gap-2 text-sm">
          <input
            type="checkbox"
            checked={typed.someHosts}
            onChange={(event) => setTyped({ ...typed, someHosts: event.target.checked })}
            className="size-4 accent-(--accent)"
          />
          {s.someHosts}
        </label>
        {typed.someHosts && hosts("egress_hosts_allowed", s.allowedLabel)}
        {hosts("egress_hosts_denied", s.deniedLabel)}
      </form>
    </Dialog>
  );
}

/** The server names a wrong host by its place in the list. */
function hostFlaw(error: unknown, name: HostList, text: string): string | undefined {
  const whole = flawOf(error, `/${name}`);
  if (whole) return whole;
  const list = hostsIn(text);
  const at = list.findIndex((_, at) => flawOf(error, `/${name}/${at}`) !== undefined);
  return at < 0 ? undefined : `${list[at]}: ${flawOf(error, `/${name}/${at}`)}`;
}
