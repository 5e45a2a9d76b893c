/** Names of model profiles, for who may read them: members. */
import { useQuery } from "@tanstack/react-query";
import { useMay } from "@/app/useAuth";
import { profilesQuery } from "@/features/runs/api/runs";

export interface Profiles {
  names: ReadonlyMap<string, string>;
  isKnown: boolean;
}

export function useProfiles(): Profiles {
  const may = useMay("member");
  const { data } = useQuery({ ...profilesQuery, enabled: may });
  return { names: new Map(data?.items.map((it) => [it.id, it.name])), isKnown: data !== undefined };
}
