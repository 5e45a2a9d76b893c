/** What people with power did, as sentences after their names. */
const at = (name: string, version: unknown) =>
  typeof version === "number" ? `${name}, version ${version}` : name;

export interface Facts {
  /** What it was done to, by name. */
  name: string;
  role: string;
  version: unknown;
  isSuspended: boolean;
  /** Whether somebody did it to themselves. */
  isOwn: boolean;
  tools: readonly string[];
  agents: readonly string[];
  isProvider: boolean;
  recording: string;
  plan: string;
}

export const acts = {
  title: "Admin activity",
  detail:
    "What people with power changed: members, keys, secrets, policies, agents, models, settings. Each line is an event of the record, with its proof.",
  listLabel: "What was changed",
  filters: { group: "About", anyGroup: "Everything", who: "Who", anybody: "Anybody" },
  groups: {
    people: "People",
    keys: "Keys and secrets",
    policies: "Policies and approvals",
    build: "Agents, tools, nodes",
    models: "Models and budgets",
    organisation: "The organisation",
  },
  emptyTitle: "Nothing like that was changed",
  empty: "When somebody invites, grants, publishes or changes a setting, it stands here within a second.",
  clear: "Clear filters",
  today: "Today",
  yesterday: "Yesterday",
  system: "Chancery",
  somebody: "somebody",
  withKey: "with an API key",
  inRecord: "All events",
  said: {
    "org.created": () => "made the organisation",
    "org.updated": () => "renamed the organisation",
    "org.deleted": () => "closed the organisation",
    "member.invited": ({ name, role }: Facts) => `invited ${name} as ${role}`,
    "invitation.revoked": ({ name }: Facts) => `withdrew the invitation of ${name}`,
    "member.joined": ({ name, role, isOwn }: Facts) =>
      isOwn ? `joined as ${role}` : `let ${name} in as ${role}`,
    "member.updated": ({ name, role, isSuspended }: Facts) =>
      isSuspended ? `suspended ${name}` : `gave ${name} the role ${role}`,
    "member.removed": ({ name, isOwn }: Facts) => (isOwn ? "left" : `removed ${name}`),
    "key.created": ({ name, role }: Facts) => `made the API key ${name} with the role ${role}`,
    "key.revoked": ({ name }: Facts) => `deleted the API key ${name}`,
    "secret.created": ({ name }: Facts) => `stored the secret ${name}`,
    "secret.rotated": ({ name, version }: Facts) =>
      `gave the secret ${name} a new value (${at("now", version)})`,
    "secret.deleted": ({ name }: Facts) => `deleted the secret ${name}`,
    "secret.granted": ({ name, tools, agents, isProvider }: Facts) =>
      isProvider
        ? `let a model provider use the secret ${name}`
        : tools.length === 0
          ? `took the secret ${name} away from all tools`
          : `let ${tools.join(", ")} use the secret ${name}${agents.length > 0 ? ` for ${agents.join(", ")}` : ""}`,
    "data_key.rotated": ({ version }: Facts) =>
      `gave the organisation a new data key (${at("now", version)})`,
    "log.key_rotated": () => "gave the record a new signing key",
    "policy.published": ({ name, version }: Facts) => `published the policy ${at(name, version)}`,
    "policy.deleted": ({ name }: Facts) => `took the policy ${name} out of force`,
    "grant.revoked": () => "withdrew a standing approval",
    "agent.created": ({ name }: Facts) => `made the agent ${name}`,
    "agent.updated": ({ name, version }: Facts) => `changed the agent ${at(name, version)}`,
    "agent.paused": ({ name }: Facts) => `paused the agent ${name}`,
    "agent.activated": ({ name }: Facts) => `activated the agent ${name}`,
    "agent.retired": ({ name }: Facts) => `retired the agent ${name}`,
    "agent.deleted": ({ name }: Facts) => `deleted the agent ${name}`,
    "skill.published": ({ name, version }: Facts) => `published the skill ${at(name, version)}`,
    "skill.deleted": ({ name }: Facts) => `deleted the skill ${name}`,
    "tool.configured": ({ name, version }: Facts) => `defined the tool ${at(name, version)}`,
    "tool.removed": ({ name }: Facts) => `removed the tool ${name}`,
    "node.enrolled": ({ name }: Facts) => `enrolled the node ${name}`,
    "node.revoked": ({ name }: Facts) => `revoked the node ${name}`,
    "provider.created": ({ name }: Facts) => `added the model provider ${name}`,
    "provider.updated": ({ name }: Facts) => `changed the model provider ${name}`,
    "provider.deleted": ({ name }: Facts) => `removed the model provider ${name}`,
    "model_profile.created": ({ name }: Facts) => `made the model profile ${name}`,
    "model_profile.updated": ({ name }: Facts) => `changed the model profile ${name}`,
    "model_profile.deleted": ({ name }: Facts) => `deleted the model profile ${name}`,
    "budget.set": ({ name }: Facts) => `set the budget of ${name}`,
    "budget.deleted": ({ name }: Facts) => `took the budget of ${name} away`,
    "recording.set": ({ recording }: Facts) => `set what of models' words is kept to “${recording}”`,
    "chat_settings.updated": () => "changed how long chats are kept",
    "limits.updated": () => "changed the limits of tools",
    "plan.assigned": ({ plan }: Facts) => `put the organisation on the plan ${plan}`,
    "session.held": () => "put a legal hold on a chat",
    "session.released": () => "released a chat from its legal hold",
    "session.deleted": () => "deleted a chat",
  },
};
