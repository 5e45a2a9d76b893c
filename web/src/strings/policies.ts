export const policies = {
  nav: "Policies",
  title: "Policies",
  detail:
    "What agents and people may do, with a person asked first, or not at all. Nothing that no policy permits happens.",
  managed: "Ceiling",
  version: (version: number) => `version ${version}`,
  rules: (count: number) => (count === 1 ? "1 rule" : `${count} rules`),
  new: "New policy",
  newDetail: "A policy is one or more rules in Cedar, published together under a name.",
  name: "Name",
  nameHint:
    "Letters, digits, full stops, _ and -. It stands before each of its rules, as in team#no-weekend-writes.",
  nameBad: "Only letters, digits, full stops, _ and - are allowed.",
  begin: "Begin",
  emptyTitle: "No policy yet",
  emptyDetail: "Without one, nothing is permitted: agents can't do anything. Begin with what they may read.",
  template: (name: string) =>
    `// What this is for.\n\n@id("read-docs")\n@reason("everybody may read the documentation, says ${name}")\npermit (\n  principal,\n  action == Chancery::Action::"file.read",\n  resource in Chancery::Folder::"docs"\n);\n`,

  page: {
    back: "Policies",
    notPublished: "Not published yet",
    changed: "Changed here",
    published: "Published",
    editor: "Text of the policy",
    checking: "Being checked…",
    fine: "No mistakes",
    flaws: (count: number) => (count === 1 ? "1 mistake" : `${count} mistakes`),
    at: (line: number, column: number) => `line ${line}, column ${column}`,
    inOther: (policy: string) => `in ${policy}`,
    reset: "Undo my changes",
    publish: "Review and publish",
    viewer: "Publishing needs the role of an admin.",
    remove: "Take out of force",
    removeTitle: (name: string) => `Take ${name} out of force?`,
    removeDetail:
      "Its rules stop to hold at once, for what runs too. What only it permitted is denied from then on. Its versions stay, and can be published again.",
    removed: (name: string) => `${name} is out of force`,
    sides: "Try it",
    tabs: {
      simulate: "Simulate",
      changes: "Changes",
      check: "Check",
      versions: "Versions",
      schema: "Vocabulary",
    },
  },

  simulate: {
    detail:
      "Every recorded decision of a time is taken once more, with your text in place of what is in force.",
    since: "Decisions of",
    days: {
      1: "the last day",
      7: "the last 7 days",
      30: "the last 30 days",
      90: "the last 90 days",
      0: "all time",
    } as Record<number, string>,
    go: "Simulate",
    none: (count: number) =>
      count === 1 ? "The one decision stays as it was" : `All ${count} decisions stay as they were`,
    nothing: "Nothing was decided in this time",
    nothingDetail: "Choose a longer time, or let an agent work first.",
    flips: (count: number, of: number) => `${count} of ${of} decisions would be others`,
    more: (shown: number) => `The first ${shown} are listed.`,
    truncated: "There are more decisions in this time than one simulation takes; these are the oldest.",
    listed: "Decisions that would be others",
    stale: "Your text has changed since. Simulate again.",
    open: "Open the run",
  },

  check: {
    detail:
      "What the policies in force say about an action, as it would be decided now. Nothing is done by asking.",
    notYours: "Your changes here don't count yet.",
    tool: "Tool",
    who: "Who asks",
    me: "I myself",
    arguments: "Arguments, as JSON",
    argumentsBad: "This is no JSON object.",
    go: "Check",
    by: "By the rules",
  },

  versions: {
    list: "Versions, the newest first",
    none: "It was never in force. What you publish becomes version 1.",
    current: "In force",
    compare: "Compared with",
    against: { before: "The version before it", editor: "The text in the editor" },
    take: (version: number) => `Write version ${version} into the editor`,
    same: "There is no difference.",
    changes: (version: number) => `What differs in version ${version}`,
  },

  changes: {
    none: "Nothing is changed.",
    label: "What changes",
  },

  publish: {
    title: (name: string) => `Publish ${name}?`,
    detail: "It holds at once, for what runs too, and becomes a version in the record.",
    comment: "What changes, and why",
    simulated: "What it would have decided otherwise in the last 7 days",
    go: "Publish",
    done: (name: string, version: number) => `${name}, version ${version}, is in force`,
  },
};
