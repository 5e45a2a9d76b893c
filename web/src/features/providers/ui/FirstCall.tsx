import { Link } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { useState } from "react";
import { t } from "@/strings";
import { buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Panel } from "@/ui/Panel";
import { Segmented } from "@/ui/Segmented";
import { CLIENTS, type Client, firstCall } from "../model/calls";

const s = t.models.calls;

/** How programs ask for a model, to copy. */
export function FirstCall({ name }: { name: string }) {
  const [client, setClient] = useState<Client>("curl");
  return (
    <Panel
      title={s.title}
      detail={s.detail(name)}
      aside={
        <Link to="/settings/keys" className={buttonClass()}>
          <KeyRound aria-hidden />
          {s.keys}
        </Link>
      }
    >
      <div className="flex flex-col gap-3">
        <Segmented
          label={s.label}
          value={client}
          options={CLIENTS.map((it) => ({ name: it, label: s.clients[it] }))}
          onChange={(next: Client) => setClient(next)}
          className="max-w-full self-start overflow-x-auto"
        />
        <Code label={s.code} text={firstCall(client, location.origin, name)} />
      </div>
    </Panel>
  );
}
