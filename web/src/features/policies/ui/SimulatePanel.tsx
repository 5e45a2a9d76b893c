import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Schema } from "@/api/client";
import { useMay } from "@/app/useAuth";
import { targetName } from "@/features/approvals/model/show";
import { VerdictBadge } from "@/features/runs/ui/StateBadge";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Said } from "@/ui/Said";
import { Select } from "@/ui/Select";
import { Time } from "@/ui/Time";
import { type Candidate, useSimulate } from "../api/policies";
import { type Flip, flipOf, fromDays } from "../model/draft";

const s = t.policies.simulate;
const DAYS = [1, 7, 30, 90, 0] as const;

/** What the text would have decided otherwise. */
export function SimulatePanel({ candidates }: { candidates: Candidate[] }) {
  const [days, setDays] = useState(7);
  const may = useMay("member");
  const simulate = useSimulate();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const from = fromDays(days, Date.now());
    simulate.mutate({ policies: candidates, ...(from ? { from } : {}) });
  };
  const isStale = simulate.isSuccess && simulate.variables.policies !== candidates;
  return (
    <div className="flex flex-col gap-4 p-4 md:px-6">
      <p className="text-sm text-muted">{s.detail}</p>
      <form onSubmit={submit} className="flex flex-wrap items-center gap-2">
        <Select
          label={s.since}
          value={String(days)}
          onChange={(value) => setDays(Number(value))}
          options={DAYS.map((it) => ({ value: String(it), name: s.days[it] ?? "" }))}
        />
        <Button type="submit" look="primary" busy={simulate.isPending} disabled={!may}>
          {s.go}
        </Button>
      </form>
      <div aria-live="polite" className="flex flex-col gap-3">
        {simulate.isError && <ErrorNotice error={simulate.error} />}
        {isStale && <p className="text-sm text-warn">{s.stale}</p>}
        {simulate.data && <Simulated found={simulate.data} />}
      </div>
    </div>
  );
}

export function Simulated({ found }: { found: Schema<"Simulation"> }) {
  const flips = found.flips.map(flipOf).filter((it) => it !== undefined);
  if (found.decisions === 0) return <Notice title={s.nothing}>{s.nothingDetail}</Notice>;
  return (
    <>
      {found.flip_count === 0 ? (
        <Notice tone="ok" title={s.none(found.decisions)} />
      ) : (
        <Notice tone="warn" title={s.flips(found.flip_count, found.decisions)}>
          {found.flip_count > flips.length && <p>{s.more(flips.length)}</p>}
          {found.truncated && <p>{s.truncated}</p>}
        </Notice>
      )}
      {flips.length > 0 && (
        <ul aria-label={s.listed} className="flex flex-col">
          {flips.map((it) => (
            <FlipRow key={it.id} flip={it} />
          ))}
        </ul>
      )}
    </>
  );
}

function FlipRow({ flip }: { flip: Flip }) {
  return (
    <li className="flex flex-col gap-1 border-b py-2.5 last:border-b-0">
      <span className="flex min-w-0 flex-wrap items-center gap-2">
        <VerdictBadge verdict={flip.recorded} />
        <span aria-hidden className="text-muted">
          →
        </span>
        <VerdictBadge verdict={flip.simulated} />
        <Time at={flip.at} className="ml-auto text-xs text-muted" />
      </span>
      <span className="min-w-0 text-sm">
        <code className="font-mono text-xs">{flip.tool}</code>{" "}
        <span className="text-muted">{targetName(flip.target)}</span>
      </span>
      <span className="text-xs text-muted">
        <Said text={flip.reason} />
      </span>
      {flip.run && (
        <Link
          to="/runs/$runId"
          params={{ runId: flip.run }}
          search={flip.step === undefined ? {} : { step: flip.step }}
          className="w-fit rounded-sm text-xs font-medium text-accent-text underline-offset-2 hover:underline"
        >
          {s.open}
        </Link>
      )}
    </li>
  );
}
