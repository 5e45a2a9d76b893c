import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { Org } from "@/api/auth";
import { flawOf, isCode } from "@/api/problem";
import { useMay, useSignedIn } from "@/app/useAuth";
import { exactly } from "@/lib/time";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Fetched } from "@/ui/Fetched";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { Fact } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/toast";
import { chatSettingsQuery, useCloseOrg, useRenameOrg } from "../api/organisation";
import { ChatSettingsForm } from "./ChatSettingsForm";
import { SettingsHeader } from "./SettingsHeader";

const s = t.organisation;

export function OrganisationPage() {
  const { org } = useSignedIn();
  const may = useMay("admin");
  return (
    <>
      <SettingsHeader title={s.title} detail={s.detail} />
      <div className="flex max-w-3xl flex-col gap-5 p-4 md:p-6">
        {!may && <Notice>{s.readOnly}</Notice>}
        {org && <Name key={org.name} org={org} />}
        <Chats />
        {org && <Closing org={org} />}
      </div>
    </>
  );
}

function Name({ org }: { org: Org }) {
  const may = useMay("admin");
  const rename = useRenameOrg();
  const [name, setName] = useState(org.name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate({ id: org.id, name: name.trim() }, { onSuccess: () => toast({ title: s.renamed }) });
  };
  return (
    <Panel title={s.name} detail={s.nameDetail}>
      <div className="flex flex-col gap-4">
        {rename.error && !isCode(rename.error, "INVALID") && <ErrorNotice error={rename.error} />}
        <form onSubmit={submit} className="flex items-end gap-2">
          <TextField
            label={s.name}
            flaw={flawOf(rename.error, "/name")}
            className="max-w-sm flex-1"
            autoComplete="off"
            required
            disabled={!may}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
          {may && (
            <Button
              type="submit"
              className="h-9"
              busy={rename.isPending}
              disabled={name.trim() === org.name || name.trim() === ""}
            >
              {s.rename}
            </Button>
          )}
        </form>
        <dl className="grid grid-cols-[repeat(auto-fit,minmax(11rem,1fr))] gap-4">
          <Fact name={s.facts.role}>{t.shell.roles[org.role]}</Fact>
          <Fact name={s.facts.since}>{exactly(org.created_at)}</Fact>
          <Fact name={s.facts.id}>
            <code className="font-mono text-xs">{org.id}</code>
          </Fact>
        </dl>
      </div>
    </Panel>
  );
}

function Chats() {
  const may = useMay("member");
  const settings = useQuery({ ...chatSettingsQuery, enabled: may });
  return (
    <Panel title={s.chats} detail={s.chatsDetail}>
      {may ? (
        <Fetched query={settings} rows={2}>
          {(it) => <ChatSettingsForm key={it.version} settings={it} />}
        </Fetched>
      ) : (
        <p className="text-sm text-muted">{s.chatsHidden}</p>
      )}
    </Panel>
  );
}

function Closing({ org }: { org: Org }) {
  const may = useMay("owner");
  const close = useCloseOrg();
  const [isAsking, setAsking] = useState(false);
  return (
    <Panel
      title={s.danger}
      detail={s.dangerDetail}
      aside={
        may ? (
          <Button look="danger" onClick={() => setAsking(true)}>
            {s.close}
          </Button>
        ) : (
          <span className="text-xs text-muted">{s.dangerOwner}</span>
        )
      }
    >
      {isAsking && (
        <ConfirmDialog
          danger
          title={s.closeTitle(org.name)}
          detail={s.dangerDetail}
          confirm={s.close}
          busy={close.isPending}
          error={close.error}
          typed={{ label: s.closeType(org.name), text: org.name }}
          onConfirm={() =>
            close.mutate(org.id, { onSuccess: () => void toast({ title: s.closed(org.name) }) })
          }
          onClose={() => setAsking(false)}
        />
      )}
    </Panel>
  );
}
