import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Stamp } from "lucide-react";
import { useRef, useState } from "react";
import { useKeys } from "@/app/keys";
import { useMay } from "@/app/useAuth";
import { useRowKeys } from "@/app/useRowKeys";
import { withNames } from "@/features/approvals/model/show";
import { useDirectory } from "@/features/directory/api/directory";
import { sentence } from "@/lib/format";
import { t } from "@/strings";
import { Badge } from "@/ui/Badge";
import { Button, buttonClass } from "@/ui/Button";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { Empty } from "@/ui/Empty";
import { ErrorNotice, explain } from "@/ui/ErrorNotice";
import { FindBox } from "@/ui/FindBox";
import { Notice } from "@/ui/Notice";
import { PageHeader } from "@/ui/Page";
import { PageTitle } from "@/ui/PageTitle";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { toast } from "@/ui/toast";
import { type Grant, grantsQuery, useWithdrawGrant } from "../api/grants";

const s = t.grants;
const link = "text-accent-text underline underline-offset-2";

/** A grant with its sentence as people read it, and who gave it. */
interface Shown {
  grant: Grant;
  allows: string;
  giver: string;
}

export function GrantsPage() {
  const may = useMay("member");
  const directory = useDirectory();
  const grants = useQuery(grantsQuery);
  const [words, setWords] = useState("");
  const [asked, setAsked] = useState<Shown>();
  const find = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useRowKeys(list);
  useKeys([{ keys: "/", label: t.common.findHere, group: "page", run: () => find.current?.focus() }]);
  const all = (grants.data ?? []).map(
    (grant): Shown => ({
      grant,
      allows: sentence(withNames(grant.allows, directory.name)),
      giver: directory.name(grant.granted_by),
    }),
  );
  const wanted = words.trim().toLowerCase();
  const shown = all.filter((it) => `${it.allows}\n${it.giver}`.toLowerCase().includes(wanted));
  return (
    <>
      <PageTitle title={s.title} />
      <PageHeader title={s.title} detail={s.detail}>
        {all.length > 0 && <FindBox label={s.find} value={words} onChange={setWords} input={find} keys="/" />}
      </PageHeader>
      {!may && (
        <div className="px-4 pt-4 md:px-6">
          <Notice>{s.viewer}</Notice>
        </div>
      )}
      {grants.isPending && <SkeletonRows rows={3} className="px-4 md:px-6" />}
      {grants.isError && (
        <div className="p-4 md:p-6">
          <ErrorNotice error={grants.error} onRetry={() => void grants.refetch()} />
        </div>
      )}
      {grants.data?.length === 0 && <Nothing />}
      {all.length > 0 && shown.length === 0 && <p className="p-6 text-sm text-muted">{s.none}</p>}
      <ul ref={list} aria-label={s.listLabel}>
        {shown.map((it) => (
          <Row key={it.grant.id} shown={it} may={may} onWithdraw={() => setAsked(it)} />
        ))}
      </ul>
      {asked && <Withdraw shown={asked} onClose={() => setAsked(undefined)} />}
    </>
  );
}

function Nothing() {
  return (
    <Empty
      icon={Stamp}
      title={s.emptyTitle}
      action={
        <>
          <Link to="/inbox" className={buttonClass()}>
            {s.toInbox}
          </Link>
          <Link to="/policies" className={buttonClass()}>
            {s.toPolicies}
          </Link>
        </>
      }
    >
      {s.empty}
    </Empty>
  );
}

function Row({ shown, may, onWithdraw }: { shown: Shown; may: boolean; onWithdraw(): void }) {
  const { grant, allows, giver } = shown;
  return (
    <li
      data-row={grant.id}
      tabIndex={-1}
      className="flex flex-wrap items-start gap-x-4 gap-y-2 border-b px-4 py-3 outline-offset-[-2px] md:px-6"
    >
      <div className="min-w-60 flex-1">
        <p className="text-sm break-words">{allows}</p>
        <p className="mt-1 flex flex-wrap items-center gap-x-1.5 gap-y-1 text-xs text-muted">
          <Badge tone={grant.run_id ? "plain" : "warn"}>{grant.run_id ? s.oneRun : s.everyRun}</Badge>
          <span>{grant.run_id ? s.untilRun : s.untilWithdrawn}</span>·<span>{s.by(giver)}</span>
          <Time inSentence at={grant.created_at} />·
          <Link to="/inbox/$approvalId" params={{ approvalId: grant.approval_id }} className={link}>
            {s.request}
          </Link>
          {grant.run_id && (
            <>
              ·
              <Link to="/runs/$runId" params={{ runId: grant.run_id }} className={link}>
                {s.run}
              </Link>
            </>
          )}
        </p>
      </div>
      {may && (
        <Button size="sm" aria-label={s.withdrawLabel(allows)} onClick={onWithdraw}>
          {s.withdraw}
        </Button>
      )}
    </li>
  );
}

function Withdraw({ shown, onClose }: { shown: Shown; onClose(): void }) {
  const withdraw = useWithdrawGrant();
  const go = () => {
    withdraw.mutate(shown.grant.id, {
      onSuccess: () => toast({ title: s.withdrawn }),
      onError: (error) => toast({ tone: "bad", title: s.failed, detail: explain(error).detail }),
    });
    onClose();
  };
  return (
    <ConfirmDialog
      danger
      title={s.withdrawTitle}
      detail={s.withdrawDetail}
      confirm={s.withdraw}
      onConfirm={go}
      onClose={onClose}
    >
      <blockquote className="border-l-2 border-l-warn pl-3 text-sm break-words">{shown.allows}</blockquote>
    </ConfirmDialog>
  );
}
