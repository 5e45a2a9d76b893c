import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Plug } from "lucide-react";
import { type ReactNode, useRef } from "react";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { duration } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { type Provider, providersQuery, secretNamesQuery, testedQuery } from "../api/providers";
import { usualAddress } from "../model/test";
import { ProviderDialog } from "./ProviderDialog";

const s = t.models.provider;

/** A dialog that the head of the page opens, too. */
export interface Making {
  isMaking: boolean;
  onEnd(): void;
  /** What opens it, for an empty list. */
  make: ReactNode;
}

export function ProviderList({ isMaking, onEnd, make }: Making) {
  const providers = useQuery(providersQuery);
  const may = useMay("admin");
  const navigate = useNavigate();
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  return (
    <div className="flex flex-col gap-4 p-4 md:p-6">
      {!may && <Notice>{t.models.readOnly}</Notice>}
      {providers.isPending && <SkeletonRows rows={3} />}
      {providers.isError && <ErrorNotice error={providers.error} onRetry={() => void providers.refetch()} />}
      {providers.data?.length === 0 && (
        <Empty icon={Plug} title={s.empty} action={make}>
          {s.emptyDetail}
        </Empty>
      )}
      {providers.data && providers.data.length > 0 && (
        <ul ref={list} aria-label={s.list} className="overflow-hidden rounded-lg border bg-surface shadow-sm">
          {providers.data.map((it) => (
            <Row key={it.id} provider={it} />
          ))}
        </ul>
      )}
      {isMaking && (
        <ProviderDialog
          onClose={onEnd}
          onCreated={(id) =>
            void navigate({ to: "/models/providers/$providerId", params: { providerId: id } })
          }
        />
      )}
    </div>
  );
}

/** Where it is, in words. */
export const placeOf = (it: Provider) =>
  it.type === "scripted" ? s.nowhere : (it.base_url ?? usualAddress[it.type] ?? it.region ?? s.usual);

function Row({ provider }: { provider: Provider }) {
  const secrets = useQuery(secretNamesQuery).data;
  const secret = provider.secret_id ? secrets?.find((it) => it.id === provider.secret_id) : undefined;
  return (
    <li className="border-b last:border-0">
      <Link
        to="/models/providers/$providerId"
        params={{ providerId: provider.id }}
        data-row={provider.id}
        className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60"
      >
        <span className="flex min-w-48 flex-1 flex-col">
          <span className="flex flex-wrap items-center gap-2 text-sm font-medium">
            {provider.name}
            <Badge>{t.models.kinds[provider.type]}</Badge>
          </span>
          <span className="truncate font-mono text-xs text-muted">{placeOf(provider)}</span>
        </span>
        <span className="text-xs text-muted">
          {secret ? s.hasKey(secret.name) : provider.secret_id ? "" : s.noKey}
        </span>
        <TestBadge id={provider.id} />
      </Link>
    </li>
  );
}

/** How the last test ended, if there was one in this tab. */
export function TestBadge({ id }: { id: string }) {
  const last = useQuery(testedQuery(id)).data;
  if (!last)
    return (
      <span title={t.models.test.neverHint}>
        <Badge>{t.models.test.never}</Badge>
      </span>
    );
  return last.found.ok ? (
    <Badge tone="ok">{t.models.test.working(duration(last.found.latency_ms))}</Badge>
  ) : (
    <Badge tone="bad">{t.models.test.failing}</Badge>
  );
}
