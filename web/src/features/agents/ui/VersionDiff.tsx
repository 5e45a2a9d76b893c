import { useQuery } from "@tanstack/react-query";
import type { Schema } from "@/api/client";
import { t } from "@/strings";
import { Diff } from "@/ui/Code";
import { Fetched } from "@/ui/Fetched";
import { Section } from "@/ui/Section";
import { diffQuery } from "../api/agents";
import { useProfiles } from "../api/profiles";
import { shownChange } from "../model/changes";

const s = t.agents.versions;

/** What differs between two versions, member by member. */
export function VersionDiff({ agentId, from, to }: { agentId: string; from: number; to: number }) {
  const isFirst = from < 1;
  const diff = useQuery({ ...diffQuery(agentId, from, to), enabled: !isFirst });
  if (isFirst) return <p className="text-sm text-muted">{s.first}</p>;
  return (
    <Fetched query={diff} rows={2}>
      {(changes) =>
        changes.length === 0 ? (
          <p className="text-sm text-muted">{s.nothing}</p>
        ) : (
          <div className="flex flex-col gap-6">
            {changes.map((it) => (
              <Change key={it.member} change={it} />
            ))}
          </div>
        )
      }
    </Fetched>
  );
}

function Change({ change }: { change: Schema<"ChangeView"> }) {
  const { names } = useProfiles();
  const shown = shownChange(change, names);
  const name = t.agents.members[change.member] ?? change.member;
  return (
    <Section title={name}>
      {shown.kind === "text" && <Diff lines={shown.lines} label={name} />}
      {shown.kind === "value" && (
        <p className="flex min-w-0 flex-wrap items-center gap-2 text-sm">
          <del className="rounded-sm bg-bad-soft px-1.5 py-0.5 break-words">{shown.from}</del>
          <span aria-hidden className="text-muted">
            →
          </span>
          <ins className="rounded-sm bg-ok-soft px-1.5 py-0.5 break-words no-underline">{shown.to}</ins>
        </p>
      )}
      {shown.kind === "list" && (
        <ul className="flex flex-wrap gap-1.5 text-xs">
          {shown.removed.map((it) => (
            <li key={it} className="rounded-sm bg-bad-soft px-1.5 py-0.5 font-mono">
              <span aria-hidden>− </span>
              <del>{it}</del> <span className="sr-only">{s.removed}</span>
            </li>
          ))}
          {shown.added.map((it) => (
            <li key={it} className="rounded-sm bg-ok-soft px-1.5 py-0.5 font-mono">
              <span aria-hidden>+ </span>
              {it} <span className="sr-only">{s.added}</span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
