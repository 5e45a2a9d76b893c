import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { historyQuery } from "@/features/record/api/history";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Code, CopyButton } from "@/ui/Code";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Fetched } from "@/ui/Fetched";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Node, nodeQuery, useRevoke } from "../api/nodes";
import { enforcementOf, refusalsOf } from "../model/enforcement";
import { StatusBadge } from "./badges";
import { EnforcementPart } from "./EnforcementPart";

const s = t.nodes.page;

export function NodePage() {
  const { nodeId } = useParams({ from: "/signed-in/shell/nodes/$nodeId" });
  const node = useQuery(nodeQuery(nodeId));
  return (
    <>
      {!node.data && (
        <div className="px-4 pt-4 md:px-6">
          <BackLink to="/nodes">{t.nodes.title}</BackLink>
        </div>
      )}
      <Fetched query={node}>{(it) => <Loaded node={it} />}</Fetched>
    </>
  );
}

function Loaded({ node }: { node: Node }) {
  const enforcement = enforcementOf(node);
  const refusals = refusalsOf(enforcement);
  return (
    <>
      <PageTitle title={node.name} />
      <PageHeader
        above={<BackLink to="/nodes">{t.nodes.title}</BackLink>}
        title={
          <span className="flex min-w-0 flex-wrap items-center gap-2.5">
            <span className="min-w-0">{node.name}</span>
            <StatusBadge status={node.status} />
            {node.shared && <Badge>{t.nodes.shared}</Badge>}
          </span>
        }
        detail={node.shared ? s.sharedDetail : s.ownDetail}
        actions={<RevokeButton node={node} />}
      >
        <StatusNote node={node} />
      </PageHeader>
      <div className="grid gap-x-10 gap-y-8 p-4 md:p-6 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="flex min-w-0 flex-col gap-8">
          <EnforcementPart enforcement={enforcement} />
          {enforcement.drivers.length > 0 && (
            <Section as="h2" title={s.refuses}>
              {refusals.length === 0 ? (
                <p className="text-sm text-muted">{s.refusesNone}</p>
              ) : (
                <ul aria-label={s.refuses} className="flex list-disc flex-col gap-1 pl-5 text-sm">
                  {refusals.map((it) => (
                    <li key={it}>{it}</li>
                  ))}
                </ul>
              )}
            </Section>
          )}
          <Section as="h2" title={s.policies}>
            <Code text={s.example} label={s.policies} />
            <p className="text-xs text-muted">
              {s.exampleHint}{" "}
              <Link
                to="/policies"
                className="font-medium text-accent-text underline-offset-2 hover:underline"
              >
                {t.policies.title}
              </Link>
            </p>
          </Section>
        </div>
        <div className="flex min-w-0 flex-col gap-7 lg:border-l lg:pl-8">
          <Facts node={node} />
          <History node={node} />
        </div>
      </div>
    </>
  );
}

function StatusNote({ node }: { node: Node }) {
  switch (node.status) {
    case "enrolled":
      return <Notice>{s.waitingNote}</Notice>;
    case "disconnected":
      return <Notice tone="warn">{s.offlineNote}</Notice>;
    case "revoked":
      return <Notice>{s.revokedNote}</Notice>;
    default:
      return null;
  }
}

function Line({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="shrink-0 text-muted">{name}</dt>
      <dd className="min-w-0 truncate text-right tabular-nums">{children}</dd>
    </div>
  );
}

function Facts({ node }: { node: Node }) {
  return (
    <Section as="h2" title={s.facts}>
      <dl className="flex flex-col gap-1.5 text-sm">
        <Line name={s.seen}>{node.last_seen_at ? <Time at={node.last_seen_at} /> : t.nodes.never}</Line>
        {typeof node.slots === "number" && <Line name={s.slots}>{t.nodes.slots(node.slots)}</Line>}
        {node.version && <Line name={s.program}>{t.nodes.version(node.version)}</Line>}
        <Line name={s.whose}>{node.shared ? t.nodes.shared : t.nodes.own}</Line>
        <Line name={s.enrolled}>{exactly(node.created_at)}</Line>
        {node.revoked_at && <Line name={s.revokedAt}>{exactly(node.revoked_at)}</Line>}
      </dl>
      <p className="flex items-center gap-1">
        <code className="min-w-0 truncate font-mono text-xs text-muted">{node.id}</code>
        <CopyButton text={node.id} />
      </p>
    </Section>
  );
}

const KINDS = Object.keys(s.events);
const SHOWN = 12;

function History({ node }: { node: Node }) {
  const directory = useDirectory();
  const events = useQuery(historyQuery("nodes", KINDS)).data ?? [];
  const own = events.filter((it) => it.subject === node.id).slice(0, SHOWN);
  if (own.length === 0) return null;
  return (
    <Section as="h2" title={s.history}>
      <ol aria-label={s.history} className="flex flex-col">
        {own.map((it) => (
          <li key={it.seq}>
            <Link
              to="/record/$seq"
              params={{ seq: String(it.seq) }}
              className="-mx-1.5 flex items-baseline gap-2 rounded-md px-1.5 py-1.5 text-sm hover:bg-hover/60"
            >
              <span className="flex-1">{s.events[it.kind]}</span>
              <span className="text-xs text-muted">
                {it.actor.user && s.by(directory.name(it.actor.user))} <Time at={it.at} />
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function RevokeButton({ node }: { node: Node }) {
  const r = t.nodes.revoke;
  const may = useMay("admin");
  const [isAsking, setAsking] = useState(false);
  const revoke = useRevoke();
  if (node.status === "revoked") return null;
  // What the head says of it is said once.
  if (node.shared) return null;
  if (!may) return <span className="text-sm text-muted">{t.nodes.readOnly}</span>;
  const go = () =>
    revoke.mutate(node.id, {
      onSuccess: () => {
        toast({ title: r.done(node.name) });
        setAsking(false);
      },
    });
  return (
    <>
      <Button look="danger" onClick={() => setAsking(true)}>
        {r.action}
      </Button>
      {isAsking && (
        <ConfirmDialog
          title={r.title(node.name)}
          detail={r.detail}
          confirm={r.action}
          danger
          busy={revoke.isPending}
          error={revoke.error}
          onConfirm={go}
          onClose={() => setAsking(false)}
        >
          <Section title={r.what}>
            <ul className="flex list-disc flex-col gap-1 pl-5 text-sm">
              <li>{r.jobs}</li>
              <li>{r.files}</li>
              <li>{r.waiting}</li>
            </ul>
          </Section>
        </ConfirmDialog>
      )}
    </>
  );
}
