import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleHelp, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { useSignedIn } from "@/app/useAuth";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { eventQuery, keptQuery, proofQuery, type Sealed } from "../api/record";
import { hasCrypto } from "../model/crypto";
import { type Proof, prove, type Signed } from "../model/inclusion";

const s = t.record.event;

/** From the event's bytes to the signature, step by step, each computed here. */
export function ProofSteps({ sealed }: { sealed: Sealed }) {
  const { seq, event, hash } = sealed;
  const org = useSignedIn().org?.id ?? "";
  const given = useQuery({ ...proofQuery(seq), enabled: hasCrypto() });
  const before = useQuery({ ...eventQuery(seq - 1), enabled: hasCrypto() && seq > 1 });
  const kept = useQuery(keptQuery(org));
  const { checkpoint, proof } = given.data ?? {};
  const isReady = proof !== undefined && !kept.isPending && (seq === 1 || !before.isPending);
  const proved = useQuery({
    queryKey: ["record", "proved", org, seq, hash, before.data?.hash, kept.data?.vkey, checkpoint?.note],
    queryFn: () =>
      prove({
        org,
        seq,
        event,
        hash,
        before: before.data?.event,
        proof: proof ?? [],
        note: checkpoint?.note ?? "",
        keys: checkpoint?.keys ?? [],
        kept: kept.data?.vkey,
      }),
    enabled: isReady && !before.isError,
    retry: false,
  });
  if (!hasCrypto()) return <Notice title={s.noCrypto}>{s.noCryptoDetail}</Notice>;
  const failed = [given, before, proved].find((it) => it.error);
  if (failed) return <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />;
  if (given.data && !proof) return <Notice>{s.unsealed}</Notice>;
  if (!proved.data) return <SkeletonRows rows={4} />;
  const it = proved.data;
  return (
    <ol className="flex flex-col">
      <Step
        state={it.isOwn ? "good" : "bad"}
        title={s.steps.place(seq)}
        detail={it.isOwn ? s.steps.placeDetail : s.steps.placeBad}
      />
      <Step
        state={it.isHash ? "good" : "bad"}
        title={s.steps.hash}
        detail={it.isHash ? s.steps.hashDetail : s.steps.hashBad}
      >
        {it.hash && <Value text={it.hash} />}
      </Step>
      <Step state={it.isChained ? "good" : "bad"} title={s.steps.chain} detail={chainDetail(it, seq)}>
        {seq > 1 && (
          <Link
            to="/record/$seq"
            params={{ seq: String(seq - 1) }}
            className="rounded-sm text-accent-text underline-offset-2 hover:underline"
          >
            <Value text={it.prev} />
          </Link>
        )}
      </Step>
      <Step
        state={it.isRoot ? "good" : "bad"}
        title={s.steps.tree(it.path.length, it.size)}
        detail={it.isRoot ? s.steps.treeDetail : s.steps.treeBad}
      >
        <Value text={it.root} />
        {it.path.length > 0 && <Path hashes={it.path} />}
      </Step>
      <Step state={signs[it.signed]} title={s.steps.signed} detail={s.steps.signatures[it.signed]}>
        {it.signedBy && <Value text={it.signedBy} />}
      </Step>
    </ol>
  );
}

function chainDetail(it: Proof, seq: number): string {
  if (!it.isChained) return s.steps.chainBad;
  return seq === 1 ? s.steps.chainFirst : s.steps.chainDetail;
}

const signs: Record<Signed, StepState> = {
  kept: "good",
  served: "good",
  other: "open",
  unsupported: "open",
  none: "bad",
};

function Path({ hashes }: { hashes: readonly string[] }) {
  return (
    <details className="mt-1">
      <summary className="text-xs text-muted">{s.path}</summary>
      <ol className="mt-1 flex list-decimal flex-col pl-6 text-xs text-muted">
        {hashes.map((hash) => (
          <li key={hash}>
            <Value text={hash} />
          </li>
        ))}
      </ol>
    </details>
  );
}

const Value = ({ text }: { text: string }) => <code className="font-mono text-xs break-all">{text}</code>;

/** `open`: it could not be found out here. */
type StepState = "good" | "bad" | "open";

const looks = {
  good: { Icon: CircleCheck, ink: "text-ok", text: "text-muted" },
  bad: { Icon: CircleX, ink: "text-bad", text: "text-bad" },
  open: { Icon: CircleHelp, ink: "text-warn", text: "text-warn" },
};

interface StepProps {
  state: StepState;
  title: string;
  detail: string;
  children?: ReactNode;
}

function Step({ state, title, detail, children }: StepProps) {
  const { Icon, ink, text } = looks[state];
  return (
    <li className="group flex gap-3">
      <span className="flex flex-col items-center">
        <Icon role="img" aria-label={s.states[state]} className={`size-5 shrink-0 ${ink}`} />
        <span aria-hidden className="w-px flex-1 bg-line group-last:hidden" />
      </span>
      <div className="flex min-w-0 flex-1 flex-col gap-0.5 pb-5">
        <p className="text-sm font-medium">{title}</p>
        <p className={`text-sm ${text}`}>{detail}</p>
        {children}
      </div>
    </li>
  );
}
