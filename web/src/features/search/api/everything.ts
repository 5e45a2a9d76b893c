/** Everything with a name that is known here, for finding it: lists that other pages keep as well. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { nav } from "@/app/nav";
import { useMay } from "@/app/useAuth";
import { pendingQuery } from "@/features/approvals/api/approvals";
import { targetName } from "@/features/approvals/model/show";
import { sessionsQuery } from "@/features/chats/api/chats";
import { useDirectory } from "@/features/directory/api/directory";
import { nodesQuery } from "@/features/nodes/api/nodes";
import { policiesQuery } from "@/features/policies/api/policies";
import { profilesQuery, providersQuery } from "@/features/providers/api/providers";
import { runsQuery } from "@/features/runs/api/runs";
import { secretsQuery } from "@/features/secrets/api/secrets";
import { places } from "@/features/settings/model/places";
import { skillsQuery } from "@/features/skills/api/skills";
import { toolsQuery } from "@/features/tools/api/tools";
import { t } from "@/strings";
import type { Thing } from "../model/find";

const pages: readonly Thing[] = [
  ...nav.map(({ to, label }): Thing => ({ kind: "page", id: to, name: label, href: to })),
  ...places.map(
    ({ to, name, detail }): Thing => ({
      kind: "page",
      id: to,
      name: `${t.settings.title}: ${name}`,
      detail,
      href: to,
    }),
  ),
];

/** Known while somebody searches; the lists are asked for when that begins, and kept as anywhere. */
export function useEverything(isWanted: boolean): readonly Thing[] {
  const directory = useDirectory();
  const enabled = isWanted;
  // Viewers may not see whom models are asked of.
  const models = useMay("member") && isWanted;
  const chats = useInfiniteQuery({ ...sessionsQuery("active"), enabled }).data;
  const runs = useInfiniteQuery({ ...runsQuery({}), enabled }).data;
  const approvals = useQuery({ ...pendingQuery, enabled }).data;
  const policies = useQuery({ ...policiesQuery, enabled }).data;
  const tools = useQuery({ ...toolsQuery, enabled }).data;
  const skills = useQuery({ ...skillsQuery, enabled }).data;
  const providers = useQuery({ ...providersQuery, enabled: models }).data;
  const profiles = useQuery({ ...profilesQuery, enabled: models }).data;
  const secrets = useQuery({ ...secretsQuery, enabled }).data;
  const nodes = useQuery({ ...nodesQuery, enabled }).data;
  return useMemo(() => {
    const things: Thing[] = [...pages];
    const add = (kind: Thing["kind"], id: string, name: string, href: string, detail?: string | null) =>
      things.push({ kind, id, name, href, detail: detail ?? undefined });
    const sessions = chats?.pages.flatMap((page) => page.items) ?? [];
    for (const it of sessions) add("chat", it.id, it.title || t.chats.untitled, `/chats/${it.id}`);
    for (const it of directory.agents) add("agent", it.id, it.name, `/agents/${it.id}`, it.description);
    for (const it of runs?.pages.flatMap((page) => page.items) ?? [])
      add(
        "run",
        it.id,
        `${it.agent_id ? directory.name(it.agent_id) : it.kind} · ${it.state}`,
        `/runs/${it.id}`,
        it.id,
      );
    for (const it of approvals?.items ?? [])
      add("approval", it.id, targetName(it.target) || it.tool, `/inbox/${it.id}`, it.tool);
    for (const it of policies ?? [])
      add("policy", it.id, it.name, `/policies/${encodeURIComponent(it.name)}`, it.comment);
    for (const it of tools ?? [])
      add("tool", it.name, it.name, `/tools/${encodeURIComponent(it.name)}`, it.description);
    for (const it of skills ?? []) add("skill", it.id, it.name, `/skills/${it.id}`, it.description);
    for (const it of providers ?? []) add("provider", it.id, it.name, `/models/providers/${it.id}`, it.type);
    for (const it of profiles ?? [])
      add("profile", it.id, it.name, `/models/profiles/${it.id}`, it.description);
    for (const it of secrets ?? []) add("secret", it.id, it.name, `/settings/secrets/${it.id}`);
    for (const it of directory.members) add("member", it.user_id, it.name, "/settings/members", it.email);
    for (const it of nodes ?? []) add("node", it.id, it.name, `/nodes/${it.id}`, it.status);
    return things;
  }, [directory, chats, runs, approvals, policies, tools, skills, providers, profiles, secrets, nodes]);
}
