import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Tags } from "lucide-react";
import { useRef } from "react";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { type Profile, profilesQuery, providersQuery } from "../api/providers";
import { FirstCall } from "./FirstCall";
import { ProfileDialog } from "./ProfileDialog";
import type { Making } from "./ProviderList";

const s = t.models.profile;

export function ProfileList({ isMaking, onEnd, make }: Making) {
  const profiles = useQuery(profilesQuery);
  const providers = useQuery(providersQuery).data;
  const may = useMay("admin");
  const navigate = useNavigate();
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  const nameOf = (id: string) =>
    providers?.find((it) => it.id === id)?.name ?? (providers ? s.goneProvider : "…");
  const [first] = profiles.data ?? [];
  return (
    <div className="flex flex-col gap-4 p-4 md:p-6">
      {!may && <Notice>{t.models.readOnly}</Notice>}
      {profiles.isPending && <SkeletonRows rows={3} />}
      {profiles.isError && <ErrorNotice error={profiles.error} onRetry={() => void profiles.refetch()} />}
      {profiles.data && !first && (
        <Empty
          icon={Tags}
          title={s.empty}
          action={
            make ||
            (providers?.length === 0 && (
              <Link to="/models" className={buttonClass({ look: "primary" })}>
                {s.toProviders}
              </Link>
            ))
          }
        >
          {s.emptyDetail} {providers?.length === 0 && s.emptyNoProvider}
        </Empty>
      )}
      {first && (
        <>
          <ul
            ref={list}
            aria-label={s.list}
            className="overflow-hidden rounded-lg border bg-surface shadow-sm"
          >
            {profiles.data?.map((it) => (
              <Row key={it.id} profile={it} providerName={nameOf} />
            ))}
          </ul>
          <FirstCall name={first.name} />
        </>
      )}
      {isMaking && (
        <ProfileDialog
          onClose={onEnd}
          onCreated={(id) => void navigate({ to: "/models/profiles/$profileId", params: { profileId: id } })}
        />
      )}
    </div>
  );
}

function Row({ profile, providerName }: { profile: Profile; providerName(id: string): string }) {
  return (
    <li className="border-b last:border-0">
      <Link
        to="/models/profiles/$profileId"
        params={{ profileId: profile.id }}
        data-row={profile.id}
        className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-3 outline-offset-[-2px] hover:bg-hover/60"
      >
        <span className="flex min-w-48 flex-1 flex-col">
          <span className="text-sm font-medium">{profile.name}</span>
          <span className="truncate text-xs text-muted">
            {profile.targets.map((it) => `${providerName(it.provider_id)}/${it.model}`).join(" → ")}
          </span>
        </span>
        {profile.targets.length > 1 && <Badge>{s.strategies[profile.strategy]}</Badge>}
      </Link>
    </li>
  );
}
