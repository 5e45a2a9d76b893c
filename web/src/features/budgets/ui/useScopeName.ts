import { useQuery } from "@tanstack/react-query";
import { useSignedIn } from "@/app/useAuth";
import { keyNamesQuery, useDirectory } from "@/features/directory/api/directory";
import { profilesQuery } from "@/features/providers/api/providers";
import { shortId } from "@/lib/format";
import { t } from "@/strings";
import { kindOf } from "../model/scope";

/** What a budget is about, by its name. */
export function useScopeName(): (scope: string) => string {
  const directory = useDirectory();
  const { org } = useSignedIn();
  const keys = useQuery(keyNamesQuery).data;
  const profiles = useQuery(profilesQuery).data;
  return (scope) => {
    const kind = kindOf(scope);
    switch (kind) {
      case "org":
        return org?.name ?? t.budgets.kinds.org;
      case "agent":
      case "user":
        return directory.name(scope);
      case "key":
        return keys?.find((it) => it.id === scope)?.name ?? t.usage.otherKey(shortId(scope));
      case "profile":
        return profiles?.find((it) => it.id === scope)?.name ?? shortId(scope);
      case "run":
      case "project":
        return shortId(scope);
    }
  };
}
