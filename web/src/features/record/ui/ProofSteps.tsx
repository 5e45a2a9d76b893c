import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleX } from "lucide-react";
import type { ReactNode } from "react";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { proofQuery, type Sealed } from "../api/record";
import { hasCrypto } from "../model/crypto";
import { prove } from "../model/inclusion";

const s = t.record.event;

/** From the event's bytes to the signature, step by step, each computed here. */
export function ProofSteps({ sealed }: { sealed: Sealed }) {
  const given = useQuery({ ...proofQuery(sealed.seq), enabled: hasCrypto() });
  const { checkpoint, proof } = given.data ?? {};
  const proved = useQuery({
    queryKey: ["record", "proved", sealed.seq, sealed.hash, checkpoint?.note],
    queryFn: () =>
      prove({
        seq: sealed.seq,
        event: sealed.event,
        hash: sealed.hash,
        proof: proof ?? [],
        note: checkpoint?.note ?? "",
        keys: checkpoint?.keys ?? [],
      }),
    enabled: proof !== undefined,
    retry: false,
    networkMode: "always",
  });
  if (!hasCrypto()) return <Notice title={s.noCrypto}>{s.noCryptoDetail}</Notice>;
  const error = given.error ?? proved.error;
  if (error instanceof DOMException && error.name === "NotSupportedError")
    return <Notice tone="warn">{s.noEd25519}</Notice>;
  if (error) return <ErrorNotice error={error} onRetry={() => void given.refetch()} />;
  if (given.data && !proof) return <Notice>{s.unsealed}</Notice>;
  if (!proved.data) return <SkeletonRows rows={4} />;
  const it = proved.data;
  const prev = String((sealed.event as Record<string, unknown>).prev ?? "");
  return (
    <ol className="flex flex-col">
      <Step isGood={it.isHash} title={s.steps.hash} detail={it.isHash ? s.steps.hashDetail : s.steps.hashBad}>
        <Value text={it.hash} />
      </Step>
      <Step isGood title={s.steps.chain} detail={sealed.seq === 1 ? s.steps.chainFirst : s.steps.chainDetail}>
        {sealed.seq > 1 && (
          <Link
            to="/record/$seq"
            params={{ seq: String(sealed.seq - 1) }}
            className="rounded-sm text-accent-text underline-offset-2 hover:underline"
          >
            <Value text={prev} />
          </Link>
        )}
      </Step>
      <Step
        isGood={it.isRoot}
        title={s.steps.tree(it.path.length, it.size)}
        detail={it.isRoot ? s.steps.treeDetail : s.steps.treeBad}
      >
        <Value text={it.root} />
        {it.path.length > 0 && (
          <details className="mt-1">
            <summary className="text-xs text-muted">{s.path}</summary>
            <ol className="mt-1 flex list-decimal flex-col pl-6 text-xs text-muted">
              {it.path.map((hash) => (
                <li key={hash}>
                  <Value text={hash} />
                </li>
              ))}
            </ol>
          </details>
        )}
      </Step>
      <Step
        isGood={it.signedBy !== undefined}
        title={s.steps.signed}
        detail={it.signedBy ? s.steps.signedDetail : s.steps.signedBad}
      >
        {it.signedBy && <Value text={it.signedBy} />}
      </Step>
    </ol>
  );
}

const Value = ({ text }: { text: string }) => <code className="font-mono text-xs break-all">{text}</code>;

interface StepProps {
  isGood: boolean;
  title: string;
  detail: string;
  children?: ReactNode;
}

function Step({ isGood, title, detail, children }: StepProps) {
  const Icon = isGood ? CircleCheck : CircleX;
  return (
    <li className="group flex gap-3">
      <span className="flex flex-col items-center">
        <Icon aria-hidden className={`size-5 shrink-0 ${isGood ? "text-ok" : "text-bad"}`} />
        <span aria-hidden className="w-px flex-1 bg-line group-last:hidden" />
      </span>
      <div className="flex min-w-0 flex-1 flex-col gap-0.5 pb-5">
        <p className="text-sm font-medium">{title}</p>
        <p className={`text-sm ${isGood ? "text-muted" : "text-bad"}`}>{detail}</p>
        {children}
      </div>
    </li>
  );
}
