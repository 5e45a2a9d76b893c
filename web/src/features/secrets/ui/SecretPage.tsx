import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { SearchX } from "lucide-react";
import { useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { BackLink } from "@/ui/BackLink";
import { Button, buttonClass } from "@/ui/Button";
import { Empty } from "@/ui/Empty";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Fact } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeleton";
import { grantsQuery, providersQuery, type Secret, secretsQuery } from "../api/secrets";
import { GrantsForm } from "./GrantsForm";
import { DeleteDialog, RotateDialog } from "./SecretDialogs";

const s = t.secrets;

export function SecretPage() {
  const { secretId } = useParams({ from: "/signed-in/shell/settings/secrets/$secretId" });
  const navigate = useNavigate();
  const secrets = useQuery(secretsQuery);
  const secret = secrets.data?.find((it) => it.id === secretId);
  useKeys([
    { keys: "escape", label: s.back, group: "page", run: () => void navigate({ to: "/settings/secrets" }) },
  ]);
  if (secret) return <Known secret={secret} />;
  return (
    <>
      <SettingsHeader title={s.title} above={back} />
      <div className="p-4 md:p-6">
        {secrets.isPending && <SkeletonRows rows={3} />}
        {secrets.isError && <ErrorNotice error={secrets.error} onRetry={() => void secrets.refetch()} />}
        {secrets.isSuccess && (
          <Empty
            icon={SearchX}
            title={s.missing}
            action={
              <Link to="/settings/secrets" className={buttonClass()}>
                {s.back}
              </Link>
            }
          >
            {s.missingDetail}
          </Empty>
        )}
      </div>
    </>
  );
}

const back = <BackLink to="/settings/secrets">{s.back}</BackLink>;

function Known({ secret }: { secret: Secret }) {
  const may = useMay("admin");
  const [asked, setAsked] = useState<"rotate" | "delete">();
  const grants = useQuery(grantsQuery(secret.id));
  const providers = useProvidersOf(secret.id);
  const usedBy = [...(grants.data?.tools ?? []), ...(providers ?? []).map((it) => it.name)];
  return (
    <>
      <SettingsHeader
        title={secret.name}
        above={back}
        actions={
          may && (
            <>
              <Button onClick={() => setAsked("rotate")}>{s.rotate}</Button>
              <Button look="danger" onClick={() => setAsked("delete")}>
                {s.delete}
              </Button>
            </>
          )
        }
      />
      <div className="flex max-w-4xl flex-col gap-5 p-4 md:p-6">
        {!may && <Notice>{s.readOnly}</Notice>}
        <dl className="grid grid-cols-[repeat(auto-fit,minmax(11rem,1fr))] gap-4">
          <Fact name={s.facts.version}>{secret.version}</Fact>
          <Fact name={s.facts.updated}>{exactly(secret.updated_at)}</Fact>
          <Fact name={s.facts.created}>{exactly(secret.created_at)}</Fact>
          <Fact name={s.facts.id}>
            <code className="font-mono text-xs">{secret.id}</code>
          </Fact>
        </dl>
        <Panel title={s.grants} detail={s.grantsDetail}>
          {grants.isPending && <SkeletonRows rows={2} />}
          {grants.isError && <ErrorNotice error={grants.error} onRetry={() => void grants.refetch()} />}
          {grants.data && <GrantsForm id={secret.id} granted={grants.data} />}
        </Panel>
        <Panel title={s.uses} detail={s.usesDetail}>
          {providers === undefined ? (
            <p className="text-sm text-muted">{s.usesHidden}</p>
          ) : providers.length === 0 ? (
            <p className="text-sm text-muted">{s.usesNone}</p>
          ) : (
            <ul className="flex flex-col gap-1 text-sm">
              {providers.map((it) => (
                <li key={it.id}>
                  <span className="font-medium">{it.name}</span>{" "}
                  <span className="text-muted">
                    {s.provider} · {it.type}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
      {asked === "rotate" && <RotateDialog secret={secret} onClose={() => setAsked(undefined)} />}
      {asked === "delete" && (
        <DeleteDialog secret={secret} usedBy={usedBy} onClose={() => setAsked(undefined)} />
      )}
    </>
  );
}

/** The providers that sign in with it; undefined for whoever may not see providers. */
function useProvidersOf(secretId: string) {
  const may = useMay("member");
  const providers = useQuery({ ...providersQuery, enabled: may });
  return may ? (providers.data ?? []).filter((it) => it.secret_id === secretId) : undefined;
}
