import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Skeleton } from "@/ui/Skeleton";
import { artifactBlob } from "../api/artifacts";

const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

/** A picture of ours. An SVG, which may hold scripts, is never shown as one. */
export function ArtifactImage({ id, name }: { id: string; name: string }) {
  const { data, isPending } = useQuery({
    queryKey: ["artifacts", id, "content"],
    queryFn: () => artifactBlob(id),
    staleTime: "static",
    retry: false,
  });
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!data || !SHOWN.test(data.type)) return;
    const made = URL.createObjectURL(data);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [data]);
  if (isPending) return <Skeleton className="h-40 w-64" />;
  if (!url) return <span className="text-muted">{name}</span>;
  return <img src={url} alt={name} className="max-h-96 max-w-full rounded-md border" />;
}
