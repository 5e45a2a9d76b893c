import { useQuery } from "@tanstack/react-query";
import { keyNamesQuery, useDirectory } from "@/features/directory/api/directory";
import { shortId } from "@/lib/format";
import { t } from "@/strings";
import type { Dimension } from "../model/series";

const s = t.usage;

/** What is behind the ids that usage is summed by. */
export function useNames(by: Dimension): (id: string) => string {
  const directory = useDirectory();
  const keys = useQuery({ ...keyNamesQuery, enabled: by === "key" }).data;
  return (id) => {
    if (id === "") return s.none[by];
    switch (by) {
      case "agent":
      case "user":
        return directory.name(id);
      case "key":
        return keys?.find((it) => it.id === id)?.name ?? s.otherKey(shortId(id));
      case "project":
        return shortId(id);
      case "model":
      case "profile":
        return id;
    }
  };
}
