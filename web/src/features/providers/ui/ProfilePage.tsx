import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { PiggyBank, Tags } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { count, dollars } from "@/lib/format";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Locked } from "@/ui/Locked";
import { Notice } from "@/ui/Notice";
import { Fact, PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Profile, profilesQuery, providersQuery, useDeleteProfile } from "../api/providers";
import { FirstCall } from "./FirstCall";
import { ProfileDialog } from "./ProfileDialog";

const s = t.models.profile;
const back = (
  <BackLink to="/models" search={{ view: "profiles" }}>
    {s.back}
  </BackLink>
);

export function ProfilePage() {
  const { profileId } = useParams({ from: "/signed-in/shell/models/profiles/$profileId" });
  const may = useMay("member");
  const profiles = useQuery({ ...profilesQuery, enabled: may });
  const profile = profiles.data?.find((it) => it.id === profileId);
  if (profile) return <OneProfile profile={profile} />;
  return (
    <>
      <PageTitle title={t.models.title} />
      <PageHeader above={back} title={t.models.title} />
      {!may && <Locked title={t.models.locked}>{t.models.lockedDetail}</Locked>}
      {may && profiles.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {profiles.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={profiles.error} onRetry={() => void profiles.refetch()} />
        </div>
      )}
      {profiles.isSuccess && (
        <Empty icon={Tags} title={s.gone}>
          {s.goneDetail}
        </Empty>
      )}
    </>
  );
}

function OneProfile({ profile }: { profile: Profile }) {
  const may = useMay("admin");
  const { agents } = useDirectory();
  const using = agents.filter((it) => it.model_profile_id === profile.id && it.state !== "retired");
  const [dialog, setDialog] = useState<"edit" | "remove">();
  return (
    <>
      <PageTitle title={profile.name} />
      <PageHeader
        above={back}
        title={profile.name}
        {...(profile.description ? { detail: profile.description } : {})}
        actions={
          <>
            <Link
              to="/budgets/$scope"
              params={{ scope: profile.id }}
              className={buttonClass({ look: "ghost" })}
            >
              <PiggyBank aria-hidden />
              {s.budget}
            </Link>
            {may && (
              <>
                <Button onClick={() => setDialog("edit")}>{t.models.change}</Button>
                <Button look="danger" onClick={() => setDialog("remove")}>
                  {t.models.remove}
                </Button>
              </>
            )}
          </>
        }
      />
      <div className="flex max-w-5xl flex-col gap-6 p-4 md:p-6">
        {!may && <Notice>{t.models.readOnly}</Notice>}
        <TargetList profile={profile} />
        <Facts profile={profile} />
        <Section as="h2" title={s.usedBy}>
          <div className="rounded-lg border bg-surface px-4 py-3 text-sm shadow-sm">
            {using.length === 0 ? <p className="text-muted">{s.usedByNone}</p> : <Agents agents={using} />}
          </div>
        </Section>
        <FirstCall name={profile.name} />
      </div>
      {dialog === "edit" && <ProfileDialog profile={profile} onClose={() => setDialog(undefined)} />}
      {dialog === "remove" && (
        <Removal profile={profile} using={using} onClose={() => setDialog(undefined)} />
      )}
    </>
  );
}

function TargetList({ profile }: { profile: Profile }) {
  const providers = useQuery(providersQuery).data;
  const isOrdered = profile.strategy === "priority";
  return (
    <Section
      as="h2"
      title={s.targets}
      aside={profile.targets.length > 1 && <Badge>{s.strategies[profile.strategy]}</Badge>}
    >
      <ol aria-label={s.targets} className="overflow-hidden rounded-lg border bg-surface shadow-sm">
        {profile.targets.map((it, at) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: targets are known by their places
            key={at}
            className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-4 py-2.5 text-sm last:border-0"
          >
            <span className="min-w-0 flex-1 truncate font-mono text-xs">
              <Link
                to="/models/providers/$providerId"
                params={{ providerId: it.provider_id }}
                className="underline"
              >
                {providers?.find((one) => one.id === it.provider_id)?.name ?? s.goneProvider}
              </Link>
              /{it.model}
            </span>
            {isOrdered && profile.targets.length > 1 && (
              <span className="text-xs text-muted">{at === 0 ? s.first : s.fallback(at)}</span>
            )}
            {profile.strategy === "weighted" && (
              <span className="text-xs text-muted">
                {s.weight} {it.weight ?? 1}
              </span>
            )}
            {it.capabilities?.map((one) => (
              <Badge key={one}>{s.capabilities[one]}</Badge>
            ))}
          </li>
        ))}
      </ol>
      {profile.targets.length > 1 && <p className="text-xs text-muted">{s.targetsHint[profile.strategy]}</p>}
    </Section>
  );
}

function Facts({ profile }: { profile: Profile }) {
  const { params, price, budget } = profile;
  const b = t.budgets.page;
  const filled = [
    typeof params.temperature === "number" ? `${s.temperature}: ${params.temperature}` : "",
    typeof params.top_p === "number" ? `${s.topP}: ${params.top_p}` : "",
    typeof params.max_output_tokens === "number" ? `${s.maxOutput}: ${count(params.max_output_tokens)}` : "",
  ].filter((it) => it !== "");
  const limits = [
    typeof budget?.daily_usd_micros === "number" ? `${b.daily}: ${dollars(budget.daily_usd_micros)}` : "",
    typeof budget?.monthly_usd_micros === "number"
      ? `${b.monthly}: ${dollars(budget.monthly_usd_micros)}`
      : "",
    typeof budget?.per_run_usd_micros === "number"
      ? `${b.perRun}: ${dollars(budget.per_run_usd_micros)}`
      : "",
    typeof budget?.requests_per_minute === "number"
      ? `${b.requests}: ${count(budget.requests_per_minute)}`
      : "",
    typeof budget?.tokens_per_minute === "number" ? `${b.tokens}: ${count(budget.tokens_per_minute)}` : "",
  ].filter((it) => it !== "");
  return (
    <Section as="h2" title={s.facts}>
      <dl className="grid gap-4 rounded-lg border bg-surface p-4 shadow-sm sm:grid-cols-2">
        <Fact name={s.params}>{filled.join(", ") || s.noParams}</Fact>
        <Fact name={s.price}>
          {price ? s.priced(dollars(price.input_usd_micros), dollars(price.output_usd_micros)) : s.byTable}
        </Fact>
        <Fact name={s.limits}>{limits.join(", ") || s.noLimits}</Fact>
        <Fact name={t.models.changed}>
          <Time at={profile.updated_at} />
        </Fact>
      </dl>
    </Section>
  );
}

function Agents({ agents }: { agents: readonly { id: string; name: string }[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
      {agents.map((it) => (
        <li key={it.id}>
          <Link to="/agents/$agentId" params={{ agentId: it.id }} className="underline">
            {it.name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Removal({
  profile,
  using,
  onClose,
}: {
  profile: Profile;
  using: readonly { id: string; name: string }[];
  onClose(): void;
}) {
  const remove = useDeleteProfile();
  const navigate = useNavigate();
  return (
    <ConfirmDialog
      title={s.deleteTitle(profile.name)}
      detail={s.deleteDetail}
      confirm={t.models.remove}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(profile.id, {
          onSuccess: () => {
            toast({ title: s.deleted(profile.name) });
            void navigate({ to: "/models", search: { view: "profiles" } });
          },
        })
      }
    >
      {using.length > 0 && (
        <Notice tone="warn">
          <p className="pb-1">{s.deleteUsed(using.length)}</p>
          <Agents agents={using} />
        </Notice>
      )}
    </ConfirmDialog>
  );
}
