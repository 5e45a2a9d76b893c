/** What runs are called: by the chats that they belong to. */
import { useQuery } from "@tanstack/react-query";
import { titleOf } from "../model/run";
import { type Run, sessionTitlesQuery } from "./runs";

export function useRunTitles(): (run: Pick<Run, "kind" | "session_id">) => string {
  const titles = useQuery(sessionTitlesQuery).data;
  return (run) => titleOf(run, run.session_id ? titles?.get(run.session_id) : undefined);
}
