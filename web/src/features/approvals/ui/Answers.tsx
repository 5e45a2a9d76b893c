/** Yes and no, and how far a yes reaches. Used by the inbox, by chats and by the first steps. */
import { ChevronDown } from "lucide-react";
import { useId, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay, useSignedIn } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { controlClass, Field } from "@/ui/Field";
import { Menu, MenuItem } from "@/ui/Menu";
import { Notice } from "@/ui/Notice";
import { toast } from "@/ui/toast";
import { type Approval, type Scope, useAnswer } from "../api/approvals";
import { mayAnswer, withNames } from "../model/show";

interface Props {
  approval: Approval;
  /** Whether `a` and `d` answer it. */
  withKeys?: boolean;
  onAnswered?(): void;
}

export function Answers({ approval, withKeys, onAnswered }: Props) {
  const { user } = useSignedIn();
  const may = mayAnswer(approval, { userId: user.id, isMember: useMay("member") });
  const answer = useAnswer();
  const [asking, setAsking] = useState<"deny" | "run" | "standing">();

  const told = {
    onSuccess: (after: Approval) => {
      setAsking(undefined);
      toast({
        title: after.status === "granted" ? t.approvals.approved : t.approvals.denied,
        detail: after.tool,
      });
      onAnswered?.();
    },
  };
  const approve = (scope: Scope) => answer.mutate({ id: approval.id, yes: true, scope }, told);
  const deny = (comment: string) => answer.mutate({ id: approval.id, yes: false, comment }, told);

  useKeys(
    withKeys && may === "yes"
      ? [
          { keys: "a", label: t.approvals.approveOnce, group: "page", run: () => approve("once") },
          { keys: "d", label: t.approvals.deny, group: "page", run: () => setAsking("deny") },
        ]
      : [],
  );

  if (may === "decided") return null;
  if (may === "viewer") return <Notice tone="info">{t.approvals.viewer}</Notice>;
  if (may === "own") return <Notice tone="warn">{t.approvals.ownRequest}</Notice>;
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex max-sm:flex-1">
          <Button
            look="primary"
            size="lg"
            busy={answer.isPending && answer.variables.yes}
            disabled={answer.isPending}
            className="rounded-r-none! max-sm:flex-1"
            onClick={() => approve("once")}
          >
            {t.approvals.approveOnce}
          </Button>
          {!approval.four_eyes && (
            <Menu
              trigger={
                <IconButton
                  label={t.common.more}
                  look="primary"
                  size="lg"
                  disabled={answer.isPending}
                  icon={<ChevronDown />}
                  className="w-9! rounded-l-none! border-l border-l-on-accent/25"
                />
              }
            >
              <MenuItem onSelect={() => setAsking("run")}>{t.approvals.scopes.run}</MenuItem>
              <MenuItem onSelect={() => setAsking("standing")}>{t.approvals.scopes.standing}</MenuItem>
            </Menu>
          )}
        </div>
        <Button
          look="danger"
          size="lg"
          className="max-sm:flex-1"
          disabled={answer.isPending}
          onClick={() => setAsking("deny")}
        >
          {t.approvals.deny}
        </Button>
      </div>
      {asking === "deny" && (
        <DenyDialog busy={answer.isPending} onDeny={deny} onClose={() => setAsking(undefined)} />
      )}
      {(asking === "run" || asking === "standing") && (
        <WideDialog
          approval={approval}
          scope={asking}
          busy={answer.isPending}
          onAllow={() => approve(asking)}
          onClose={() => setAsking(undefined)}
        />
      )}
    </>
  );
}

function DenyDialog({
  busy,
  onDeny,
  onClose,
}: {
  busy: boolean;
  onDeny(comment: string): void;
  onClose(): void;
}) {
  const form = useId();
  const [comment, setComment] = useState("");
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={t.approvals.denyTitle}
      description={t.approvals.denyDetail}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button type="submit" form={form} look="danger" busy={busy}>
            {t.approvals.deny}
          </Button>
        </>
      }
    >
      <form
        id={form}
        onSubmit={(event) => {
          event.preventDefault();
          onDeny(comment.trim());
        }}
      >
        <Field label={t.approvals.comment} hint={t.approvals.commentHint}>
          {(control) => (
            <textarea
              {...control}
              autoFocus
              rows={3}
              value={comment}
              onChange={(event) => setComment(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.metaKey || event.ctrlKey))
                  event.currentTarget.form?.requestSubmit();
              }}
              className={`${controlClass} py-2`}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

interface WideProps {
  approval: Approval;
  scope: "run" | "standing";
  busy: boolean;
  onAllow(): void;
  onClose(): void;
}

/** A yes that reaches further than one action says first what it allows. */
function WideDialog({ approval, scope, busy, onAllow, onClose }: WideProps) {
  const directory = useDirectory();
  const isStanding = scope === "standing";
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && onClose()}
      title={isStanding ? t.approvals.standingTitle : t.approvals.runTitle}
      description={isStanding ? t.approvals.standingAllows : t.approvals.runAllows}
      footer={
        <>
          <Button onClick={onClose}>{t.common.cancel}</Button>
          <Button look="primary" busy={busy} onClick={onAllow}>
            {t.approvals.confirm}
          </Button>
        </>
      }
    >
      <blockquote className="border-l-2 border-l-warn pl-3 text-sm">
        {withNames(approval.standing_would_allow, directory.name)}
      </blockquote>
    </Dialog>
  );
}
