export const notifications = {
  nav: "Notifications",
  title: "Notifications",
  detail: "What concerns you: requests, your runs, mentions, budgets and nodes. Of the last 7 days.",
  unread: (count: number) => (count === 1 ? "1 unread notification" : `${count} unread notifications`),
  filters: { unread: "Unread", all: "All" },
  filterLabel: "Which notifications",
  listLabel: "Notifications",
  markAll: "Mark all as read",
  markRead: "Mark as read",
  isUnread: "unread",
  emptyTitle: "Nothing is unread",
  empty:
    "Requests that wait for you, runs of yours that failed or ended while you were elsewhere, mentions, budgets near their end and nodes that went away come here by themselves.",
  emptyAll: "Nothing concerned you in the last 7 days",
  showAll: "Show all",
  setUp: "Set up",
  of: {
    approval: (agent: string) => `${agent} asks for your approval`,
    failed: (agent: string) => `A run of ${agent} failed`,
    ended: (agent: string) => `${agent} has finished what you asked for`,
    mention: (who: string) => `${who} mentioned you`,
    node: (name: string) => `The node ${name} went away`,
    near: (scope: string, percent: number, period: string) =>
      `${scope}: ${percent} % of the ${period} budget is spent`,
    over: (scope: string, period: string) => `${scope}: the ${period} budget is used up`,
  },
  details: { mention: "In a chat", ended: "In a chat", node: "Runs that need it wait." },
  periods: { day: "daily", month: "monthly" },
  organisation: "The organisation",

  settings: {
    title: "Notifications",
    detail: "What comes by itself, and how you are told.",
    desktop: "On the desktop",
    desktopDetail:
      "While Chancery is in a tab that you don't look at, the browser shows what is new. It says who and what kind, never words of chats, arguments or secrets.",
    on: "On in this browser",
    off: "Off in this browser",
    turnOn: "Turn on",
    turnOff: "Turn off",
    denied:
      "This browser was told not to show notifications of this address. Its settings for this site change that.",
    missing:
      "This browser shows notifications only for pages that came by HTTPS, or from this machine itself.",
    read: "What is read",
    readDetail:
      "What you have opened counts as read, and so does everything that you mark. This is remembered in this browser: another one begins anew.",
    open: "To the notifications",
  },
};
