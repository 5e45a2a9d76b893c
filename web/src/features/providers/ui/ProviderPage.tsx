import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Plug } from "lucide-react";
import { useState } from "react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Dialog } from "@/ui/Dialog";
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
import {
  type Profile,
  type Provider,
  profilesQuery,
  providersQuery,
  secretNamesQuery,
  useDeleteProvider,
} from "../api/providers";
import { ProfileDialog } from "./ProfileDialog";
import { ProviderDialog } from "./ProviderDialog";
import { placeOf } from "./ProviderList";
import { TestPanel } from "./TestPanel";

const s = t.models.provider;
const back = <BackLink to="/models">{s.back}</BackLink>;

export function ProviderPage() {
  const { providerId } = useParams({ from: "/signed-in/shell/models/providers/$providerId" });
  const may = useMay("member");
  const providers = useQuery({ ...providersQuery, enabled: may });
  const provider = providers.data?.find((it) => it.id === providerId);
  if (provider) return <OneProvider provider={provider} />;
  return (
    <>
      <PageTitle title={t.models.title} />
      <PageHeader above={back} title={t.models.title} />
      {!may && <Locked title={t.models.locked}>{t.models.lockedDetail}</Locked>}
      {may && providers.isPending && <SkeletonRows className="px-4 md:px-6" />}
      {providers.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={providers.error} onRetry={() => void providers.refetch()} />
        </div>
      )}
      {providers.isSuccess && (
        <Empty icon={Plug} title={s.gone}>
          {s.goneDetail}
        </Empty>
      )}
    </>
  );
}

function OneProvider({ provider }: { provider: Provider }) {
  const may = useMay("admin");
  const navigate = useNavigate();
  const profiles = useQuery(profilesQuery).data ?? [];
  const using = profiles.filter((it) => it.targets.some((target) => target.provider_id === provider.id));
  const [dialog, setDialog] = useState<"edit" | "remove" | { model: string }>();
  const close = () => setDialog(undefined);
  return (
    <>
      <PageTitle title={provider.name} />
      <PageHeader
        above={back}
        title={
          <span className="flex flex-wrap items-center gap-2">
            {provider.name}
            <Badge>{t.models.kinds[provider.type]}</Badge>
          </span>
        }
        actions={
          may && (
            <>
              <Button onClick={() => setDialog("edit")}>{t.models.change}</Button>
              <Button look="danger" onClick={() => setDialog("remove")}>
                {t.models.remove}
              </Button>
            </>
          )
        }
      />
      <div className="flex max-w-5xl flex-col gap-6 p-4 md:p-6">
        {!may && <Notice>{t.models.readOnly}</Notice>}
        <TestPanel
          provider={provider}
          onChange={() => setDialog("edit")}
          onName={(model) => setDialog({ model })}
        />
        <Facts provider={provider} />
        <Section as="h2" title={s.usedBy}>
          <div className="rounded-lg border bg-surface px-4 py-3 text-sm shadow-sm">
            {using.length === 0 ? (
              <p className="text-muted">{s.usedByNone}</p>
            ) : (
              <Profiles profiles={using} />
            )}
          </div>
        </Section>
      </div>
      {dialog === "edit" && <ProviderDialog provider={provider} onClose={close} />}
      {dialog === "remove" && <Removal provider={provider} using={using} onClose={close} />}
      {typeof dialog === "object" && (
        <ProfileDialog
          first={{ providerId: provider.id, model: dialog.model }}
          onClose={close}
          onCreated={(id) => void navigate({ to: "/models/profiles/$profileId", params: { profileId: id } })}
        />
      )}
    </>
  );
}

function Facts({ provider }: { provider: Provider }) {
  const secrets = useQuery(secretNamesQuery).data;
  const secret = secrets?.find((it) => it.id === provider.secret_id);
  return (
    <Section as="h2" title={s.facts}>
      <dl className="grid gap-4 rounded-lg border bg-surface p-4 shadow-sm sm:grid-cols-2 lg:grid-cols-3">
        <Fact name={s.address}>
          <span title={placeOf(provider)}>{placeOf(provider)}</span>
        </Fact>
        <Fact name={s.key}>
          {provider.secret_id ? (
            <>
              {s.keySet}{" "}
              <Link
                to="/settings/secrets/$secretId"
                params={{ secretId: provider.secret_id }}
                className="underline"
              >
                {secret?.name ?? "…"}
              </Link>
            </>
          ) : (
            s.noKey
          )}
        </Fact>
        {provider.region && <Fact name={s.region}>{provider.region}</Fact>}
        {provider.api_version && <Fact name={s.apiVersion}>{provider.api_version}</Fact>}
        {provider.type !== "scripted" && (
          <Fact name={s.network}>{provider.private_network ? s.networkInside : s.networkPublic}</Fact>
        )}
        <Fact name={t.models.changed}>
          <Time at={provider.updated_at} />
        </Fact>
        {provider.script && (
          <div className="col-span-full">
            <dt className="pb-1 text-xs text-muted">{s.script}</dt>
            <dd>
              <Code label={s.script} text={JSON.stringify(provider.script, null, 2)} />
            </dd>
          </div>
        )}
      </dl>
    </Section>
  );
}

function Profiles({ profiles }: { profiles: readonly Profile[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1">
      {profiles.map((it) => (
        <li key={it.id}>
          <Link to="/models/profiles/$profileId" params={{ profileId: it.id }} className="underline">
            {it.name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Removal({
  provider,
  using,
  onClose,
}: {
  provider: Provider;
  using: readonly Profile[];
  onClose(): void;
}) {
  const remove = useDeleteProvider();
  const navigate = useNavigate();
  if (using.length > 0) {
    return (
      <Dialog
        open
        onOpenChange={onClose}
        title={s.deleteTitle(provider.name)}
        description={s.deleteUsed}
        footer={<Button onClick={onClose}>{t.common.close}</Button>}
      >
        <Profiles profiles={using} />
      </Dialog>
    );
  }
  return (
    <ConfirmDialog
      title={s.deleteTitle(provider.name)}
      detail={s.deleteDetail}
      confirm={t.models.remove}
      danger
      busy={remove.isPending}
      error={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(provider.id, {
          onSuccess: () => {
            toast({ title: s.deleted(provider.name) });
            void navigate({ to: "/models" });
          },
        })
      }
    />
  );
}
