/** The kinds of events that are acts of power, by what they are about. */
import type { t } from "@/strings";

export type ActKind = keyof typeof t.acts.said;
export type ActGroup = keyof typeof t.acts.groups;

export const ACT_KINDS: Record<ActGroup, readonly ActKind[]> = {
  people: ["member.invited", "invitation.revoked", "member.joined", "member.updated", "member.removed"],
  keys: [
    "key.created",
    "key.revoked",
    "secret.created",
    "secret.rotated",
    "secret.deleted",
    "secret.granted",
    "data_key.rotated",
    "log.key_rotated",
  ],
  policies: ["policy.published", "policy.deleted", "grant.revoked"],
  build: [
    "agent.created",
    "agent.updated",
    "agent.paused",
    "agent.activated",
    "agent.retired",
    "agent.deleted",
    "skill.published",
    "skill.deleted",
    "tool.configured",
    "tool.removed",
    "node.enrolled",
    "node.revoked",
  ],
  models: [
    "provider.created",
    "provider.updated",
    "provider.deleted",
    "model_profile.created",
    "model_profile.updated",
    "model_profile.deleted",
    "budget.set",
    "budget.deleted",
    "recording.set",
  ],
  organisation: [
    "org.created",
    "org.updated",
    "org.deleted",
    "chat_settings.updated",
    "limits.updated",
    "plan.assigned",
    "session.held",
    "session.released",
    "session.deleted",
  ],
};

export const ACT_GROUPS = Object.keys(ACT_KINDS) as ActGroup[];

export const kindsOf = (group: ActGroup | undefined): ActKind[] =>
  group ? [...ACT_KINDS[group]] : ACT_GROUPS.flatMap((it) => ACT_KINDS[it]);

export const groupOf = (kind: ActKind): ActGroup =>
  ACT_GROUPS.find((it) => ACT_KINDS[it].includes(kind)) ?? "organisation";
