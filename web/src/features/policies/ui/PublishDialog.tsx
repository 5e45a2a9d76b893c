import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { diffLines, folded } from "@/lib/diff";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Diff } from "@/ui/Code";
import { Dialog } from "@/ui/Dialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { TextField } from "@/ui/Field";
import { Section } from "@/ui/Section";
import { SkeletonRows } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { type Candidate, simulationQuery, usePublish } from "../api/policies";
import { Simulated } from "./SimulatePanel";

const s = t.policies.publish;
const DAYS = 7;

interface Props {
  name: string;
  managed: boolean;
  before: string;
  text: string;
  candidates: Candidate[];
  onClose(): void;
  onPublished(): void;
}

/** Shows what changes, and what it would have changed, before it does. */
export function PublishDialog({ name, managed, before, text, candidates, onClose, onPublished }: Props) {
  const [comment, setComment] = useState("");
  const simulation = useQuery(simulationQuery(candidates, DAYS));
  const publish = usePublish();
  const lines = useMemo(() => folded(diffLines(before, text)), [before, text]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    publish.mutate(
      { name, cedar: text, managed, comment: comment.trim() },
      {
        onSuccess: (policy) => {
          onPublished();
          toast({ title: s.done(policy.name, policy.version) });
          onClose();
        },
      },
    );
  };
  return (
    <Dialog
      open
      onOpenChange={(open) => open || onClose()}
      title={s.title(name)}
      description={s.detail}
      className="sm:max-w-2xl"
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" type="submit" form="publish-policy" busy={publish.isPending}>
            {s.go}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-5 pt-2">
        <form id="publish-policy" onSubmit={submit}>
          <TextField
            label={s.comment}
            required
            autoComplete="off"
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
        </form>
        {publish.isError && <ErrorNotice error={publish.error} />}
        <Section title={s.simulated}>
          {simulation.isPending && <SkeletonRows rows={1} />}
          {simulation.isError && <ErrorNotice error={simulation.error} />}
          {simulation.data && <Simulated found={simulation.data} />}
        </Section>
        <Section title={t.policies.changes.label}>
          <Diff lines={lines} label={t.policies.changes.label} />
        </Section>
      </div>
    </Dialog>
  );
}
