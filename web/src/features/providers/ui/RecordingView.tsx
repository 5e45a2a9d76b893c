import { useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { useMay } from "@/app/useAuth";
import { t } from "@/strings";
import { ErrorNotice } from "@/ui/ErrorNotice";
import { Notice } from "@/ui/Notice";
import { SkeletonRows } from "@/ui/Skeleton";
import { toast } from "@/ui/toast";
import { modelSettingsQuery, useSetRecording } from "../api/providers";

const s = t.models.settings;
const CHOICES = ["off", "digests", "full"] as const;

/** What the organisation keeps of what models are asked and answer. */
export function RecordingView() {
  const id = useId();
  const settings = useQuery(modelSettingsQuery);
  const may = useMay("admin");
  const set = useSetRecording();
  const shown = set.isPending ? set.variables : settings.data?.recording;
  return (
    <div className="flex max-w-3xl flex-col gap-4 p-4 md:p-6">
      {!may && <Notice>{t.models.readOnly}</Notice>}
      {settings.isPending && <SkeletonRows rows={3} />}
      {settings.isError && <ErrorNotice error={settings.error} onRetry={() => void settings.refetch()} />}
      {set.isError && <ErrorNotice error={set.error} />}
      {settings.data && (
        <fieldset disabled={!may} className="flex flex-col gap-3">
          <legend className="pb-3">
            <h2 className="text-sm font-semibold">{s.title}</h2>
            <p className="text-sm text-muted">{s.detail}</p>
          </legend>
          {CHOICES.map((it) => (
            <label
              key={it}
              className="flex items-start gap-3 rounded-lg border bg-surface px-4 py-3 shadow-sm has-checked:border-accent"
            >
              <input
                type="radio"
                name={id}
                checked={shown === it}
                onChange={() => set.mutate(it, { onSuccess: () => toast({ title: s.saved }) })}
                className="mt-1 accent-(--accent)"
              />
              <span>
                <span className="block text-sm font-medium">{s.recording[it]}</span>
                <span className="block text-sm text-muted">{s.recordingDetail[it]}</span>
              </span>
            </label>
          ))}
        </fieldset>
      )}
    </div>
  );
}
