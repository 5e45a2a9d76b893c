import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Download, Server, ShieldCheck } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import { useSignedIn } from "@/app/useAuth";
import { save } from "@/lib/save";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { Skeleton } from "@/ui/Skeleton";
import { checkpointQuery, keptQuery, useServerVerify, verifyHere } from "../api/record";
import { hasCrypto } from "../model/crypto";
import { checkpointOf } from "../model/note";
import { Fault } from "../model/verify";
import { BackToRecord } from "./BackToRecord";

const s = t.record.verifyPage;

export function VerifyPage() {
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader above={<BackToRecord />} title={s.title} detail={s.detail} />
      <div className="grid gap-8 p-4 md:p-6 lg:grid-cols-2">
        <div className="flex min-w-0 flex-col gap-4">
          <Here />
          <ByServer />
        </div>
        <CheckpointSection />
      </div>
    </>
  );
}

interface CardProps {
  title: string;
  detail: string;
  action: ReactNode;
  children: ReactNode;
}

function Card({ title, detail, action, children }: CardProps) {
  return (
    <section aria-label={title} className="flex flex-col gap-3 rounded-lg border bg-surface p-4 shadow-sm">
      <div>
        <h2 className="text-base font-semibold">{title}</h2>
        <p className="text-sm text-muted">{detail}</p>
      </div>
      <div className="flex flex-wrap gap-2">{action}</div>
      <div aria-live="polite">{children}</div>
    </section>
  );
}

function Here() {
  const queries = useQueryClient();
  const stop = useRef<AbortController>(undefined);
  const [progress, setProgress] = useState<[done: number, of: number]>();
  const verify = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      return verifyHere(stop.current.signal, (done, of) => setProgress([done, of]));
    },
    onMutate: () => setProgress(undefined),
    onSuccess: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: checkpointQuery.queryKey }),
        queries.invalidateQueries({ queryKey: ["record", "kept"] }),
      ]),
  });
  const isStopped = verify.error instanceof DOMException && verify.error.name === "AbortError";
  return (
    <Card
      title={s.here}
      detail={s.hereDetail}
      action={
        <>
          <Button
            look="primary"
            icon={<ShieldCheck />}
            busy={verify.isPending}
            disabled={!hasCrypto()}
            onClick={() => verify.mutate()}
          >
            {s.hereGo}
          </Button>
          {verify.isPending && <Button onClick={() => stop.current?.abort()}>{s.stop}</Button>}
        </>
      }
    >
      {!hasCrypto() && <Notice title={t.record.event.noCrypto}>{t.record.event.noCryptoDetail}</Notice>}
      {verify.isPending && progress && <Progress done={progress[0]} of={progress[1]} />}
      {verify.data && (
        <Notice tone="ok" title={s.sound(verify.data.events)}>
          <p>{s.soundDetail}</p>
          <p>{verify.data.witnessed === undefined ? s.first : s.witnessed(verify.data.witnessed)}</p>
        </Notice>
      )}
      {verify.error instanceof Fault && <Bad reason={verify.error.reason} seq={verify.error.seq} />}
      {verify.error && !(verify.error instanceof Fault) && !isStopped && <ErrorNotice error={verify.error} />}
    </Card>
  );
}

function Progress({ done, of }: { done: number; of: number }) {
  return (
    <div className="flex flex-col gap-1">
      <progress
        value={done}
        max={of}
        aria-label={s.progress(done, of)}
        className="h-1.5 w-full overflow-hidden rounded-sm accent-accent"
      />
      <span className="text-xs text-muted tabular-nums">{s.progress(done, of)}</span>
    </div>
  );
}

function Bad({ reason, seq }: { reason: string; seq: number | undefined }) {
  return (
    <Notice tone="bad" title={s.bad(seq)}>
      <p>
        {s.reasons[reason] ?? reason} {seq !== undefined && seq > 1 && s.badBefore(seq - 1)}
      </p>
      <p>{s.tell}</p>
    </Notice>
  );
}

function ByServer() {
  const verify = useServerVerify();
  return (
    <Card
      title={s.server}
      detail={s.serverDetail}
      action={
        <Button icon={<Server />} busy={verify.isPending} onClick={() => verify.mutate()}>
          {s.serverGo}
        </Button>
      }
    >
      {verify.isError && <ErrorNotice error={verify.error} />}
      {verify.data?.isGood && (
        <Notice tone="ok" title={s.sound(verify.data.events)}>
          {s.soundDetail}
        </Notice>
      )}
      {verify.data?.bad && <Bad {...verify.data.bad} />}
    </Card>
  );
}

function CheckpointSection() {
  const checkpoint = useQuery(checkpointQuery);
  const kept = useQuery(keptQuery(useSignedIn().org?.id ?? "")).data;
  const seen = kept ? checkpointOf(kept.note) : undefined;
  if (checkpoint.isPending) return <Skeleton className="h-64 w-full" />;
  if (checkpoint.isError) {
    return <ErrorNotice error={checkpoint.error} onRetry={() => void checkpoint.refetch()} />;
  }
  const { note, keys, size } = checkpoint.data;
  return (
    <div className="flex min-w-0 flex-col gap-6">
      <Section
        as="h2"
        title={s.checkpoint(size)}
        aside={
          <Button
            size="sm"
            icon={<Download />}
            onClick={() => save(new Blob([note], { type: "text/plain" }), `checkpoint-${size}.txt`)}
          >
            {s.download}
          </Button>
        }
      >
        <p className="text-sm text-muted">{s.checkpointDetail}</p>
        <Code text={note} label={s.note} />
      </Section>
      <Section as="h2" title={s.keys}>
        <p className="text-sm text-muted">{s.keysDetail}</p>
        {keys.map((key) => (
          <Code key={key} text={key} label={s.keys} />
        ))}
      </Section>
      <Section as="h2" title={s.kept}>
        <p className="text-sm">{seen ? s.keptSize(seen.size) : s.keptNone}</p>
      </Section>
    </div>
  );
}
