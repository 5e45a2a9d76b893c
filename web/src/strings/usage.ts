import type { Moment, Percentile } from "@/features/usage/model/latency";
import type { Preset, Unit } from "@/features/usage/model/range";
import type { Dimension, Metric, Sort } from "@/features/usage/model/series";

const many = (count: number, one: string, more: string) => (count === 1 ? `1 ${one}` : `${count} ${more}`);

export const usage = {
  nav: "Usage",
  title: "Usage",
  detail: "What models were asked, by whom, and what it cost. Days are of UTC.",
  locked: "Usage is for members",
  lockedDetail: "You are a viewer here. Ask an admin of this organisation for the role of a member.",
  tabs: { spend: "Spending", health: "Errors and speed" },
  views: "Kinds of usage",
  export: "Export CSV",
  exportHint: "The rows of this page, as the server sums them",

  range: "Time",
  presets: {
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    month: "This month",
    "12m": "12 months",
  } satisfies Record<Preset, string>,
  from: "From",
  to: "To",
  custom: (from: string, to: string) => (from === to ? from : `${from} – ${to}`),
  reset: (preset: string) => `Back to ${preset}`,
  zoomHint: "Drag over the bars to look at a part of them.",
  keys: {
    earlier: "Earlier days",
    later: "Later days",
    narrower: "Fewer days",
    wider: "More days",
    reset: "The usual days",
  },

  by: "Stacked by",
  dimensions: {
    agent: "Agent",
    model: "Model",
    user: "Person",
    profile: "Profile",
    key: "API key",
    project: "Project",
  } satisfies Record<Dimension, string>,
  /** What has nothing of the kind. */
  none: {
    agent: "No agent",
    model: "No model",
    user: "Nobody",
    profile: "No profile",
    key: "No API key",
    project: "No project",
  } satisfies Record<Dimension, string>,
  otherKey: (id: string) => `Key ${id}`,
  metric: "Measure",
  metrics: { cost: "Cost", calls: "Calls", tokens: "Tokens", failed: "Failed" } satisfies Record<
    Metric,
    string
  >,
  chart: (metric: string, by: string, days: string) => `${metric} by ${by}, ${days}`,
  bars: { day: "A bar is a day.", week: "A bar is a week.", month: "A bar is a month." } satisfies Record<
    Unit,
    string
  >,
  total: "Together",
  nothing: "Nothing",
  rest: (count: number) => many(count, "other", "others"),
  legend: "What the colours mean",
  only: (name: string) => `Only ${name}`,
  all: "Show all",
  shown: "Shown alone",

  stats: {
    cost: "Spent",
    calls: "Calls",
    tokens: "Tokens",
    failed: "Failed",
    before: (days: number) => `to the ${days === 1 ? "day" : `${days} days`} before`,
    wasNothing: "Nothing before",
    same: "As before",
    cached: (share: string) => `${share} of what was read was cached`,
    rate: (rate: string) => `${rate} of calls`,
  },
  unpriced: (calls: number) =>
    `${many(calls, "call", "calls")} went to models that nobody has priced, and count as $0 here.`,
  unpricedFix: "A profile can say what its tokens cost.",

  table: "Totals",
  columns: {
    name: "Name",
    cost: "Cost",
    calls: "Calls",
    failed: "Failed",
    rate: "Failure rate",
    input: "Tokens read",
    output: "Tokens written",
  } satisfies Record<Sort, string>,
  share: "Share of cost",
  sortBy: (column: string) => `Sort by ${column}`,
  days: "The numbers of the chart, as a table",
  day: "Day",

  empty: "Nothing was asked in this time",
  emptyDetail: "As soon as an agent or a client asks a model, what it cost appears here within a second.",
  longer: "Look at 12 months",
  noneOf: {
    cost: "What was asked in this time cost nothing.",
    calls: "Nothing was asked in this time.",
    tokens: "No tokens were read or written in this time.",
    failed: "Nothing failed in this time.",
  },
  toTokens: "Look at the tokens",

  latency: {
    all: (percentile: string, days: string) => `${percentile} of each model, ${days}`,
    one: (model: string, days: string) => `How long ${model} took, ${days}`,
    moment: "What is measured",
    moments: { whole: "Whole answer", first: "First byte" } satisfies Record<Moment, string>,
    wholeDetail: "From the call to the end of its answer.",
    firstDetail: "From the call to the first byte of its answer.",
    percentile: "Which calls",
    percentiles: {
      p50: "Half of calls (p50)",
      p95: "95 of 100 calls (p95)",
      p99: "99 of 100 calls (p99)",
    } satisfies Record<Percentile, string>,
    hours: "By the hour.",
    days: "By the day.",
    nothing: "No call of this time was answered and measured.",
  },

  health: {
    model: "Model",
    allModels: "All models",
    everyModel: "all models",
    calls: (model: string, days: string) => `Calls of ${model}, ${days}`,
    answered: "Answered",
    failed: "Failed",
    rate: (days: string) => `Failure rate by model, ${days}`,
    noCalls: "No calls",
    detail: "A call that nobody answered is counted under the name that was asked for.",
  },
};
