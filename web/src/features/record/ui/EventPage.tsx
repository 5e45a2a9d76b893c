import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight, SearchX } from "lucide-react";
import type { ReactNode } from "react";
import { eventOf, type RecordEvent } from "@/api/events";
import { useKeys } from "@/app/keys";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { buttonClass, IconButton } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { eventQuery, type Sealed } from "../api/record";
import { Actors } from "./Actors";
import { BackToRecord } from "./BackToRecord";
import { ProofSteps } from "./ProofSteps";

const s = t.record.event;

export function EventPage() {
  const { seq: given } = useParams({ from: "/signed-in/shell/record/$seq" });
  const seq = /^[1-9]\d{0,14}$/.test(given) ? Number(given) : 0;
  const navigate = useNavigate();
  const sealed = useQuery({ ...eventQuery(seq), enabled: seq > 0 });
  const go = (to: number) => to > 0 && void navigate({ to: "/record/$seq", params: { seq: String(to) } });
  useKeys([
    { keys: "j", label: s.next, group: "page", run: () => void (sealed.data && go(seq + 1)) },
    { keys: "k", label: s.previous, group: "page", run: () => void go(seq - 1) },
    { keys: "escape", label: s.back, group: "page", run: () => void navigate({ to: "/record" }) },
  ]);
  const event = sealed.data ? eventOf(sealed.data.event) : undefined;
  return (
    <>
      <PageTitle title={s.title(seq)} />
      <PageHeader
        above={<BackToRecord />}
        title={s.title(seq)}
        detail={<span className="font-mono text-xs">{event?.kind}</span>}
        actions={
          <>
            <IconButton
              look="secondary"
              label={s.previous}
              icon={<ChevronLeft />}
              disabled={seq <= 1}
              onClick={() => void go(seq - 1)}
            />
            <IconButton
              look="secondary"
              label={s.next}
              icon={<ChevronRight />}
              disabled={!sealed.data}
              onClick={() => void go(seq + 1)}
            />
          </>
        }
      />
      {seq > 0 && sealed.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {sealed.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={sealed.error} onRetry={() => void sealed.refetch()} />
        </div>
      )}
      {(seq === 0 || sealed.data === null) && (
        <Empty
          icon={SearchX}
          title={s.missing}
          action={
            <Link to="/record" className={buttonClass()}>
              {s.back}
            </Link>
          }
        >
          {s.missingDetail}
        </Empty>
      )}
      {sealed.data && event && (
        <div className="grid gap-8 p-4 md:p-6 lg:grid-cols-2">
          <Facts sealed={sealed.data} event={event} />
          <Section as="h2" title={s.proof}>
            <ProofSteps key={seq} sealed={sealed.data} />
          </Section>
        </div>
      )}
    </>
  );
}

const link = "rounded-sm font-mono text-xs text-accent-text underline-offset-2 hover:underline";

function Facts({ sealed, event }: { sealed: Sealed; event: RecordEvent }) {
  const raw = sealed.event as Record<string, unknown>;
  const content = Array.isArray(raw.content) ? raw.content.map(String) : [];
  return (
    <div className="flex min-w-0 flex-col gap-6">
      <Section as="h2" title={s.facts}>
        <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
          <Row name={s.at}>{exactly(event.at)}</Row>
          <Row name={s.who}>
            <Actors actor={event.actor} />
          </Row>
          <Row name={s.subject}>
            <span className="font-mono text-xs">{String(raw.subject ?? "")}</span>
          </Row>
          {event.run && (
            <Row name={s.run}>
              <Link to="/runs/$runId" params={{ runId: event.run }} className={link}>
                {event.run}
              </Link>
            </Row>
          )}
          {event.session && (
            <Row name={s.session}>
              <Link to="/chats/$sessionId" params={{ sessionId: event.session }} className={link}>
                {event.session}
              </Link>
            </Row>
          )}
          {typeof raw.run_seq === "number" && <Row name={s.place}>{raw.run_seq}</Row>}
        </dl>
      </Section>
      <Section as="h2" title={s.data}>
        <Code text={JSON.stringify(event.data, null, 2)} label={s.data} />
      </Section>
      {content.length > 0 && (
        <Section as="h2" title={s.content}>
          <ul className="flex flex-col gap-1 font-mono text-xs break-all">
            {content.map((it) => (
              <li key={it}>{it}</li>
            ))}
          </ul>
          <p className="text-xs text-muted">{s.contentDetail}</p>
        </Section>
      )}
      <details>
        <summary className="text-sm text-muted">{s.whole}</summary>
        <Code className="mt-2" text={JSON.stringify(raw, null, 2)} label={s.whole} />
      </details>
    </div>
  );
}

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </>
  );
}
