export const secrets = {
  title: "Secrets",
  detail:
    "Values that tools and model providers use and nobody sees again: no page, command, event or log has one.",
  readOnly:
    "Your role sees which secrets there are and what may use them. Admins store, change and delete them.",
  new: "New secret",
  newTitle: "Store a secret",
  newDetail: "Its value is sealed and never shown again. Afterwards say which tools and agents may use it.",
  name: "Name",
  nameHint: "Letters, digits, dots, lines and underscores. Tools call it by this name.",
  value: "Value",
  valueHint: "As it is sent: no quotes around it, and no line break at its end.",
  store: "Store",
  stored: (name: string) => `${name} is stored`,
  find: "Find a secret",
  none: "No secret is called that.",
  emptyTitle: "No secrets yet",
  empty:
    "Store a token or a password here, and let a tool use it. It is put into a request at the moment it leaves, and masked if the answer repeats it.",
  listLabel: "Secrets",
  version: (version: number) => `version ${version}`,
  changedAt: "changed",
  nobody: "Nothing may use it",
  back: "Secrets",
  loading: "Reading who may use it",
  facts: { created: "Stored", updated: "Last new value", version: "Version", id: "Id" },

  rotate: "New value",
  rotateTitle: (name: string) => `A new value for ${name}`,
  rotateDetail: "It is used from the next request on. The value before it can't be had back.",
  rotated: (name: string, version: number) => `${name} has version ${version} now`,
  delete: "Delete",
  deleteTitle: (name: string) => `Delete ${name}?`,
  deleteDetail:
    "All its versions go. What uses it is refused from then on, until a secret of this name is granted to it again.",
  deleteUsed: (what: string) => `In use by ${what}.`,
  deleteType: (name: string) => `Type ${name} to delete it`,
  deleted: (name: string) => `${name} was deleted`,

  grants: "What may use it",
  grantsDetail:
    "A tool has to be named, and where an agent asks, the agent too. Without an agent only people who call the tool themselves get it used.",
  grantsReadOnly: "Admins change this.",
  tools: "Tools",
  agents: "Agents",
  noTools:
    "No tool of your own is there yet. A secret is used by HTTP tools that you define, and by tools named here later.",
  noAgents: "No agents yet.",
  findTools: "Find a tool",
  findAgents: "Find an agent",
  builtin: "built in",
  gone: "no longer there",
  unsaved: "Not saved yet",
  save: "Save",
  undo: "As it was",
  saved: "Saved. It holds from the next request on.",
  missing: "There is no such secret",
  missingDetail: "It may have been deleted, or belong to another organisation.",

  uses: "Where it is used",
  usesNone: "No model provider uses it.",
  usesDetail: "Model providers that sign in with it. Tools are named above.",
  usesHidden: "Members see which model providers use it.",
  provider: "Model provider",
  summary: (tools: readonly string[], agents: readonly string[]) =>
    agents.length === 0
      ? `${tools.join(", ")}, when people call it`
      : `${tools.join(", ")} · ${agents.join(", ")}`,

  encryption: {
    title: "Encryption",
    detail:
      "The keys that stand behind contents, secrets and the record. Nobody sees them; they can be renewed.",
    readOnly: "Admins renew the data key, owners the key that signs the record.",
    data: "Data key",
    dataDetail:
      "Seals every secret and every content of this organisation: words of chats, arguments, outputs, files.",
    rotate: "Make a new one",
    rotateTitle: "Make a new data key?",
    rotateDetail:
      "Everything new is sealed under it at once, the rest within minutes while the work goes on. An hour later the old key is destroyed.",
    never: "It is still the first one.",
    steps: {
      made: (version: number) => `Version ${version} is made; what is new is sealed under it`,
      moving: "What was there is sealed anew, within minutes",
      moved: (count: number) =>
        count === 1 ? "1 value was sealed anew" : `${count} values were sealed anew`,
      nothing: "What was there is sealed anew",
      waiting: (time: string) => `The old key is destroyed, in about ${time}`,
      due: "The old key is destroyed in a moment",
      retired: (count: number) =>
        count === 1 ? "The old key is destroyed" : `${count} old keys are destroyed`,
    },
    progress: "How far it is",
    by: (name: string) => `by ${name}`,
    log: "Signing key of the record",
    logDetail:
      "Signs the checkpoints of the record. A new key is announced in the record under the signature of the one before it, so everything verifies as before.",
    logRotate: "Make a new one",
    logTitle: "Give the record a new signing key?",
    logConfirm: "Whoever checks the record with the old key follows to the new one by itself.",
    logOwner: "Owners do this.",
    logMade: "The record has a new signing key",
    logKey: "The new key, for those who check from outside",
    inRecord: "In the record",
    verify: "Verify the record",
  },
};
