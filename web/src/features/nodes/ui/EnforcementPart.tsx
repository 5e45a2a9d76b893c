import { Check, X } from "lucide-react";
import { t } from "@/strings";
import { Section } from "@/ui/Section";
import { type Driver, type Enforcement, mechanismName } from "../model/enforcement";
import { LevelBadge } from "./badges";

const s = t.nodes;

/** Each boundary that the node tried: how far it holds, what it is made of, and what it lacks. */
export function EnforcementPart({ enforcement }: { enforcement: Enforcement }) {
  const { drivers } = enforcement;
  return (
    <Section as="h2" title={s.page.enforcement}>
      <p className="text-sm text-muted">
        {drivers.length === 0 ? s.page.unknownDetail : s.page.enforcementDetail}
      </p>
      <div className="flex flex-col gap-3">
        {drivers.map((it) => (
          <DriverCard key={it.name} driver={it} />
        ))}
      </div>
    </Section>
  );
}

function DriverCard({ driver }: { driver: Driver }) {
  const { name, level, mechanisms, gaps } = driver;
  return (
    <article aria-label={s.drivers[name] ?? name} className="rounded-lg border bg-surface">
      <header className="flex flex-wrap items-start gap-x-3 gap-y-1 px-4 py-3">
        <div className="min-w-48 flex-1">
          <h3 className="text-sm font-semibold">{s.drivers[name] ?? name}</h3>
          <p className="text-xs text-muted">{s.driverMeans[name]}</p>
        </div>
        <div className="flex flex-col items-start gap-0.5 sm:items-end">
          <LevelBadge level={level} />
          <p className="text-xs text-muted">{s.levelMeans[level]}</p>
        </div>
      </header>
      {mechanisms.length > 0 && (
        <ul
          aria-label={s.page.made}
          className="grid gap-x-6 gap-y-1 border-t px-4 py-3 text-sm sm:grid-cols-2"
        >
          {mechanisms.map((it) => (
            <li key={it} className="flex min-w-0 items-start gap-2">
              <Check aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
              <span className="min-w-0 first-letter:uppercase" title={it}>
                {mechanismName(it)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {gaps.length > 0 && (
        <ul aria-label={s.page.lacks} className="flex flex-col gap-1.5 border-t px-4 py-3 text-sm">
          {gaps.map((it) => (
            <li key={it.code} className="flex min-w-0 items-start gap-2">
              <X aria-hidden className="mt-0.5 size-4 shrink-0 text-bad" />
              <span className="min-w-0">
                {s.gaps[it.code] ?? it.code}
                <span className="block text-xs text-muted">{it.detail}</span>
              </span>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}
