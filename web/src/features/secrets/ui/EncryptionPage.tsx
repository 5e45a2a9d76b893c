import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleDashed } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useMay } from "@/app/useAuth";
import { useDirectory } from "@/features/directory/api/directory";
import { SettingsHeader } from "@/features/settings/ui/SettingsHeader";
import { span } from "@/lib/time";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import { Button, buttonClass } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { ConfirmDialog } from "@/ui/ConfirmDialog";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/Skeleton";
import { Time } from "@/ui/Time";
import { dataKeyEventsQuery, useRotateDataKey, useRotateLogKey } from "../api/secrets";
import { type Rotation, rotationOf, untilRetired } from "../model/rotation";

const s = t.secrets.encryption;

export function EncryptionPage() {
  const may = useMay("admin");
  return (
    <>
      <SettingsHeader title={s.title} detail={s.detail} />
      <div className="flex max-w-3xl flex-col gap-5 p-4 md:p-6">
        {!may && <Notice>{s.readOnly}</Notice>}
        <DataKey />
        <LogKey />
      </div>
    </>
  );
}

function DataKey() {
  const may = useMay("admin");
  const events = useQuery(dataKeyEventsQuery);
  const rotate = useRotateDataKey();
  const [isAsking, setAsking] = useState(false);
  const rotation = events.data && rotationOf(events.data);
  return (
    <Panel
      title={s.data}
      detail={s.dataDetail}
      aside={may && <Button onClick={() => setAsking(true)}>{s.rotate}</Button>}
    >
      {events.isPending && <SkeletonRows rows={1} />}
      {events.isError && <ErrorNotice error={events.error} onRetry={() => void events.refetch()} />}
      {events.data && !rotation && <p className="text-sm text-muted">{s.never}</p>}
      {rotation && <Progress rotation={rotation} />}
      {isAsking && (
        <ConfirmDialog
          title={s.rotateTitle}
          detail={s.rotateDetail}
          confirm={s.rotate}
          busy={rotate.isPending}
          error={rotate.error}
          onConfirm={() => rotate.mutate(undefined, { onSuccess: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        />
      )}
    </Panel>
  );
}

/** The three things that happen, each with whether it has. */
function Progress({ rotation }: { rotation: Rotation }) {
  const directory = useDirectory();
  const left = untilRetired(rotation, useMinute());
  const isOver = rotation.retired > 0;
  const { steps } = s;
  return (
    <ol aria-label={s.progress} className="flex flex-col gap-2.5">
      <Step isDone>
        {steps.made(rotation.version)}
        <span className="text-muted">
          {" "}
          · <Time inSentence at={rotation.at} />
          {rotation.user && ` ${s.by(directory.name(rotation.user))}`}
        </span>
      </Step>
      <Step isDone={rotation.moved > 0 || isOver}>
        {rotation.moved > 0 ? steps.moved(rotation.moved) : isOver ? steps.nothing : steps.moving}
      </Step>
      <Step isDone={isOver}>
        {isOver ? steps.retired(rotation.retired) : left > 0 ? steps.waiting(span(left)) : steps.due}
      </Step>
    </ol>
  );
}

function Step({ isDone, children }: { isDone: boolean; children: ReactNode }) {
  const Icon = isDone ? CircleCheck : CircleDashed;
  return (
    <li className="flex gap-2.5 text-sm">
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${isDone ? "text-ok" : "text-muted"}`} />
      <span className="min-w-0">{children}</span>
    </li>
  );
}

function LogKey() {
  const may = useMay("owner");
  const rotate = useRotateLogKey();
  const [isAsking, setAsking] = useState(false);
  return (
    <Panel
      title={s.log}
      detail={s.logDetail}
      aside={
        may ? (
          <Button onClick={() => setAsking(true)}>{s.logRotate}</Button>
        ) : (
          <span className="text-xs text-muted">{s.logOwner}</span>
        )
      }
    >
      <div className="flex flex-col gap-3">
        {rotate.data && (
          <>
            <Notice tone="ok" title={s.logMade} />
            <div>
              <p className="mb-1 text-xs text-muted">{s.logKey}</p>
              <Code label={s.logKey} text={rotate.data.key} />
            </div>
          </>
        )}
        <div className="flex flex-wrap gap-2">
          <Link to="/record" search={{ kind: "log.key_rotated" }} className={buttonClass()}>
            {s.inRecord}
          </Link>
          <Link to="/record/verify" className={buttonClass()}>
            {s.verify}
          </Link>
        </div>
      </div>
      {isAsking && (
        <ConfirmDialog
          title={s.logTitle}
          detail={s.logConfirm}
          confirm={s.logRotate}
          busy={rotate.isPending}
          error={rotate.error}
          onConfirm={() => rotate.mutate(undefined, { onSuccess: () => setAsking(false) })}
          onClose={() => setAsking(false)}
        />
      )}
    </Panel>
  );
}
