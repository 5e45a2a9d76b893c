import { useQuery } from "@tanstack/react-query";
import { Download, File, Image } from "lucide-react";
import { save } from "@/lib/save";
import { t } from "@/strings";
import { toastFailure } from "@/ui/failure";
import { artifactBlob, artifactQuery } from "../api/artifacts";
import { ArtifactImage, isPicture } from "./ArtifactImage";

const units = ["B", "KB", "MB", "GB"];

export function size(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(power > 0 ? 1 : 0)} ${units[power]}`;
}

/** A file that goes with a message: a picture is shown, everything is downloaded. */
export function Attachment({ id }: { id: string }) {
  const { data } = useQuery(artifactQuery(id));
  if (!data) return null;
  const Icon = isPicture(data.media_type) ? Image : File;
  const download = () =>
    artifactBlob(id)
      .then((blob) => save(blob, data.name))
      .catch((error: unknown) => toastFailure(t.chats.downloadFailed, error));
  return (
    <div className="flex flex-col items-start gap-1.5">
      {isPicture(data.media_type) && <ArtifactImage id={id} name={data.name} />}
      <button
        type="button"
        onClick={() => void download()}
        className="flex max-w-full items-center gap-2 rounded-md border bg-surface px-2.5 py-1.5 text-sm hover:bg-hover"
      >
        <Icon aria-hidden className="size-4 shrink-0 text-muted" />
        <span className="min-w-0 truncate">{data.name}</span>
        <span className="shrink-0 text-xs text-muted">{size(data.size_bytes)}</span>
        <Download aria-hidden className="size-4 shrink-0 text-muted" />
      </button>
    </div>
  );
}
