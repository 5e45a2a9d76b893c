export const start = {
  nav: "Start",
  title: "Your first governed run",
  detail: "Five minutes, nothing to install: an agent acts, you decide, and you prove what happened.",
  done: "Done",
  agent: {
    title: "An agent to ask",
    ready: (name: string) =>
      `“${name}” is here. It follows instructions to the letter, a step at a time, without a model and without a key.`,
    missing:
      "Nobody may do anything here yet: without a policy everything is denied. This sets up a first policy (reading is allowed, writing asks a person) and an agent that follows simple instructions.",
    setUp: "Set it up",
    admin: "An admin sets up the first agent and policy. Ask one, or switch to an organisation of your own.",
    description: "Follows instructions to the letter, a step at a time.",
    policyComment: "to begin with",
  },
  ask: {
    title: "Ask it for something that matters",
    detail: "It is asked to write a file and to read it back. Writing needs a person's yes.",
    button: "Ask",
    chatTitle: "First steps",
    request: 'write notes/first.md: "Hello from my first governed run."; read notes/first.md',
  },
  decide: {
    title: "Decide",
    detail: "The policy stopped it before anything happened. This is exactly what would run:",
    waiting: "The agent is at it…",
    node: "It waits for a node, where files are. Nodes connect by themselves; `chancery doctor` says what is missing.",
    over: "It ran, and only what you had seen.",
    failed: "The run ended without doing it. That is fine too: it is all on record.",
  },
  verify: {
    title: "Verify the record",
    detail: "Every decision and every act is an event in a hash chain with a signed checkpoint.",
    button: "Verify it",
    again: "Verify it again",
    good: (events: number) => `All ${events} events are there, in order, unchanged, and signed.`,
    bad: "The record does not verify. Keep a copy of it, and tell whoever runs this installation.",
    root: "Root of the tree",
  },
  replay: {
    title: "Replay it",
    detail:
      "A run is a function of its journal: it can be repeated with no outside effect, also under other policies.",
    button: "Replay as it was",
    stricter: "Replay with writing forbidden",
    identical: (compared: number) => `Identical: ${compared} outcomes compared, nothing was sent or written.`,
    diverged: (step: number, tool: string) => `It would have gone differently at step ${step} (${tool}):`,
    before: "then",
    now: "now",
    stricterReason: "nothing is written any more",
  },
  finished: "That is all there is to it",
  finishedDetail:
    "Every action of every agent takes this road. Each run has its steps over time; what waits for you is in the inbox, and what was said in the chats.",
  again: "Begin again",
  toInbox: "Open the inbox",
  toRun: "Look at the run",
};
