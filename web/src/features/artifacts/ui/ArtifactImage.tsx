import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Skeleton } from "@/ui/Skeleton";
import { artifactQuery, contentQuery } from "../api/artifacts";

/** The kinds of pictures that are shown. An SVG, which may hold scripts, is none of them. */
const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

export const isPicture = (mediaType: string) => SHOWN.test(mediaType);

/** A picture of ours. Its content comes as bytes without a type, so the type is what is known of the artifact. */
export function ArtifactImage({ id, name }: { id: string; name: string }) {
  const artifact = useQuery(artifactQuery(id));
  const type = artifact.data?.media_type ?? "";
  const content = useQuery({ ...contentQuery(id), enabled: isPicture(type) });
  const [url, setUrl] = useState<string>();
  const [isBroken, setBroken] = useState(false);
  useEffect(() => {
    if (!content.data) return;
    const made = URL.createObjectURL(content.data.slice(0, content.data.size, type));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [content.data, type]);
  if (artifact.isPending || content.isLoading) return <Skeleton className="h-40 w-64" />;
  if (!url || isBroken) return <span className="text-muted">{name}</span>;
  return (
    <img
      src={url}
      alt={name}
      onError={() => setBroken(true)}
      className="max-h-96 max-w-full rounded-md border"
    />
  );
}
