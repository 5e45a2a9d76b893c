import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import { type FormEvent, useId, useState } from "react";
import type { Schema } from "@/api/client";
import { flawOf } from "@/api/problem";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Notice } from "@/ui/Notice";
import { ShownOnce } from "@/ui/ShownOnce";
import { arrivingQuery, useEnrol } from "../api/nodes";
import { enforcementOf } from "../model/enforcement";
import { gatewayOf, keepCommand, startCommand } from "../model/joining";

const s = t.nodes.add;

/** Adds a node, shows its credential this once, and waits until the machine is there. */
export function AddNodeDialog({ onClose }: { onClose(): void }) {
  // In this component alone: with it, the credential is gone.
  const [enrolled, setEnrolled] = useState<Schema<"EnrolledNode">>();
  return enrolled ? (
    <Joining enrolled={enrolled} onClose={onClose} />
  ) : (
    <Naming onEnrolled={setEnrolled} onClose={onClose} />
  );
}

function Naming({
  onEnrolled,
  onClose,
}: {
  onEnrolled(enrolled: Schema<"EnrolledNode">): void;
  onClose(): void;
}) {
  const form = useId();
  const [name, setName] = useState("");
  const enrol = useEnrol();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== "") enrol.mutate(name.trim(), { onSuccess: onEnrolled });
  };
  const flaw = flawOf(enrol.error, "/name");
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={s.title}
      description={s.detail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button
            type="submit"
            form={form}
            look="primary"
            busy={enrol.isPending}
            disabled={name.trim() === ""}
          >
            {s.go}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className="flex flex-col gap-3 pt-2">
        <TextField
          label={s.name}
          hint={s.nameHint}
          flaw={flaw}
          required
          maxLength={128}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {enrol.isError && !flaw && <ErrorNotice error={enrol.error} />}
      </form>
    </Dialog>
  );
}

function Joining({ enrolled, onClose }: { enrolled: Schema<"EnrolledNode">; onClose(): void }) {
  const [isAsking, setAsking] = useState(false);
  const { node, credential } = enrolled;
  const now = useQuery(arrivingQuery(node.id)).data ?? node;
  const isHere = now.status === "connected";
  const gateway = gatewayOf(location);
  const close = () => (isHere || isAsking ? onClose() : setAsking(true));
  return (
    <Dialog
      open
      onOpenChange={(open) => open || close()}
      title={node.name}
      description={s.detail}
      className="sm:max-w-2xl"
      footer={
        isHere ? (
          <Link
            to="/nodes/$nodeId"
            params={{ nodeId: node.id }}
            onClick={onClose}
            className={buttonClass({ look: "primary" })}
          >
            {s.open}
          </Link>
        ) : (
          <Button onClick={close}>{s.later}</Button>
        )
      }
    >
      <div className="flex flex-col gap-4 pt-2">
        <div aria-live="polite">
          {isHere ? (
            <Notice tone="ok" title={s.arrived(node.name)}>
              {s.arrivedDetail(t.nodes.levels[enforcementOf(now).level] ?? "", t.nodes.slots(now.slots ?? 0))}
            </Notice>
          ) : (
            <p className="flex items-center gap-2 text-sm text-muted">
              <LoaderCircle aria-hidden className="size-4 animate-spin" /> {s.waiting(node.name)}
            </p>
          )}
        </div>
        {isAsking && !isHere && <Notice tone="warn">{s.lost}</Notice>}
        {!isHere && (
          <ol className="flex flex-col gap-4 text-sm">
            <li className="flex flex-col gap-2">
              <p className="font-medium">{s.step1}</p>
              <ShownOnce label={s.credential} text={credential} />
              <p className="text-xs text-muted">{s.once}</p>
            </li>
            <li className="flex flex-col gap-2">
              <p className="font-medium">{s.step2}</p>
              <Code text={keepCommand} label={s.step2} />
              <p className="text-xs text-muted">{s.step2Hint}</p>
            </li>
            <li className="flex flex-col gap-2">
              <p className="font-medium">{s.step3}</p>
              <Code text={startCommand(gateway)} label={s.step3} />
              <p className="text-xs text-muted">{s.step3Hint}</p>
              {gateway.isPlaintext && <Notice tone="warn">{s.plaintext}</Notice>}
            </li>
          </ol>
        )}
      </div>
    </Dialog>
  );
}
