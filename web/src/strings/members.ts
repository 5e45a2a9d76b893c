export const members = {
  title: "Members",
  detail: "Who is in the organisation, and what each of them may do.",
  readOnly: "Your role sees who is here. Admins invite people, change roles and remove members.",
  find: "Find by name or address",
  none: "Nobody here is called that.",
  you: "You",
  since: "joined",
  suspended: "Suspended",
  role: "Role",
  roleOf: (name: string) => `Role of ${name}`,
  actionsOf: (name: string) => `What to do with ${name}`,
  count: (count: number) => (count === 1 ? "1 member" : `${count} members`),
  aboveYou: "This member stands above your role.",

  changed: (name: string, role: string) => `${name} has the role ${role} now`,
  undo: "Take it back",
  ownTitle: "Lower your own role?",
  ownDetail: (role: string) => `You are ${role} afterwards, and can't raise yourself again.`,
  ownerTitle: (name: string) => `Make ${name} an owner?`,
  ownerDetail:
    "Owners may do everything, also remove you, give the record a new signing key and close the organisation.",
  changeRole: "Change the role",

  suspend: "Suspend",
  suspendTitle: (name: string) => `Suspend ${name}?`,
  suspendDetail:
    "A suspended member can do nothing in this organisation until somebody lifts it. API keys stop working meanwhile; open invitations that the member made are revoked.",
  unsuspend: "Lift the suspension",
  lifted: (name: string) => `${name} may act again`,
  remove: "Remove",
  removeTitle: (name: string) => `Remove ${name}?`,
  removeDetail:
    "The member's API keys and open invitations end with it. What they said and did stays in chats and in the record, and so do the agents that they made.",
  removed: (name: string) => `${name} was removed`,
  leave: "Leave the organisation",
  leaveTitle: (org: string) => `Leave ${org}?`,
  leaveDetail: "Your API keys of this organisation end. To come back, somebody has to invite you.",
  left: (org: string) => `You left ${org}`,
  lastOwnerTitle: "You need another owner first",
  lastOwner: (name: string) =>
    `${name} is the only owner who can act, and an organisation always has one: somebody must be able to hand out roles and to close it.`,
  lastOwnerFix:
    "Make another member an owner, then do this again. Or close the organisation, under its settings.",
  toSettings: "To the organisation's settings",

  invite: "Invite",
  inviteTitle: "Invite somebody",
  inviteDetail: "They get a mail with a link, if this server sends mail; you get the link too.",
  email: "E-mail",
  emailHint: "Only whoever has an account with this address can accept.",
  roleHint: "It can be changed later.",
  inviteGo: "Make the invitation",
  invitedTitle: "The invitation is made",
  invitedDetail: (email: string, days: string) => `For ${email}. The link works for ${days}.`,
  linkLabel: "The link, shown this once",
  linkHint: "Whoever opens it signs in or creates an account with that address, and is a member.",
  done: "Done",

  pending: "Open invitations",
  pendingNone: "No invitation is open. Each is good for a week, and for one person.",
  invitedBy: (name: string) => `invited by ${name}`,
  expiresIn: (time: string) => `expires in ${time}`,
  expired: "expired",
  withdraw: "Withdraw",
  withdrawLabel: (email: string) => `Withdraw the invitation of ${email}`,
  withdrawTitle: (email: string) => `Withdraw the invitation of ${email}?`,
  withdrawDetail: "Its link stops working at once.",
  withdrawn: "The invitation was withdrawn",

  roles: "What the roles may do",
  rolesDetail: "Each may do what those before it may.",
  may: {
    viewer:
      "Reads: chats, agents, runs, requests, policies, the record and the names of secrets. Changes nothing.",
    member:
      "Works: chats with agents, answers requests, stops and replays runs, withdraws standing approvals, has API keys of their own.",
    admin:
      "Governs: people, agents, tools, skills, nodes, policies, secrets, models, budgets, limits, and how long chats are kept.",
    owner: "Answers for it all: makes owners, renews the key that signs the record, closes the organisation.",
  } as Record<string, string>,
};
