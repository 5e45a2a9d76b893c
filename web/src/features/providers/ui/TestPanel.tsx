import { useQuery } from "@tanstack/react-query";
import { CircleCheck, CircleDashed, CircleX, FlaskConical } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useMay } from "@/app/useAuth";
import { cx } from "@/lib/cx";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { controlClass, TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { Said } from "@/ui/Said";
import { type Provider, type Tested, testedQuery, useTest } from "../api/providers";
import { type StepState, stepsOf } from "../model/test";
import { TestBadge } from "./ProviderList";

const s = t.models.test;

interface Props {
  provider: Provider;
  /** Leads to where it can be mended. */
  onChange(): void;
  onName(model: string): void;
}

/** Tries the provider, and says how far it came and what to do about it. */
export function TestPanel({ provider, onChange, onName }: Props) {
  const may = useMay("admin");
  const last = useQuery(testedQuery(provider.id)).data;
  const test = useTest(provider.id);
  const [model, setModel] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    test.mutate(model.trim() === "" ? undefined : model.trim());
  };
  return (
    <Panel title={s.title} detail={may ? s.detail : s.admin} aside={<TestBadge id={provider.id} />}>
      {may && (
        <div className="flex flex-col gap-4">
          <form onSubmit={submit} className="flex flex-wrap items-end gap-2">
            <TextField
              label={s.model}
              autoComplete="off"
              spellCheck={false}
              value={model}
              onChange={(event) => setModel(event.target.value)}
              className="w-full sm:w-80"
            />
            <Button
              type="submit"
              look="primary"
              icon={<FlaskConical />}
              busy={test.isPending}
              className="h-9"
            >
              {s.go}
            </Button>
          </form>
          {test.isError && <ErrorNotice error={test.error} />}
          {last && <Found provider={provider} found={last.found} onChange={onChange} onName={onName} />}
        </div>
      )}
    </Panel>
  );
}

const signs: Record<StepState, { Icon: typeof CircleCheck; ink: string }> = {
  ok: { Icon: CircleCheck, ink: "text-ok" },
  bad: { Icon: CircleX, ink: "text-bad" },
  unknown: { Icon: CircleDashed, ink: "text-faint" },
};

function Found({ provider, found, onChange, onName }: Props & { found: Tested }) {
  const { problem } = found;
  return (
    <>
      <ol aria-label={s.list} className="grid gap-x-6 gap-y-1 text-sm sm:grid-cols-2">
        {stepsOf(provider, problem?.code).map(({ step, state }) => {
          const { Icon, ink } = signs[state];
          return (
            <li key={step} className={cx("flex items-center gap-2", state === "unknown" && "text-muted")}>
              <Icon aria-hidden className={cx("size-4 shrink-0", ink)} />
              {s.steps[step]}
              <span className="sr-only">: {s.states[state]}</span>
            </li>
          );
        })}
      </ol>
      {problem && (
        <Notice tone="bad" title=<Said text={problem.message} />>
          <p>
            <Said text={problem.suggested_fix} />
          </p>
          <p className="mt-1 font-mono text-xs text-muted">{problem.code}</p>
          <Button size="sm" className="mt-2" onClick={onChange}>
            {t.models.change}
          </Button>
        </Notice>
      )}
      {found.models.length > 0 && <Models models={found.models} onName={onName} />}
    </>
  );
}

const SHOWN = 24;

function Models({ models, onName }: { models: readonly string[]; onName(model: string): void }) {
  const [find, setFind] = useState("");
  const wanted = find.trim().toLowerCase();
  const fitting = models.filter((it) => it.toLowerCase().includes(wanted));
  return (
    <section aria-label={s.models(models.length)} className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-3">
        <h3 className="text-sm font-medium">{s.models(models.length)}</h3>
        {models.length > 8 && (
          <input
            type="search"
            aria-label={s.find}
            placeholder={s.find}
            value={find}
            onChange={(event) => setFind(event.target.value)}
            className={cx(controlClass, "h-8 w-56!")}
          />
        )}
      </div>
      <ul className="flex flex-wrap gap-1.5">
        {fitting.slice(0, SHOWN).map((it) => (
          <li key={it}>
            <Button size="sm" title={s.name(it)} onClick={() => onName(it)} className="max-w-full font-mono">
              <span className="truncate">{it}</span>
            </Button>
          </li>
        ))}
      </ul>
      {fitting.length > SHOWN && <p className="text-xs text-muted">{s.more(fitting.length - SHOWN)}</p>}
    </section>
  );
}
