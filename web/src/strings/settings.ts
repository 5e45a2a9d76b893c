export const settings = {
  nav: "Settings",
  title: "Settings",
  detail: "The organisation, its people and keys, and yourself.",
  back: "Settings",
  groups: { org: "Organisation", you: "You" },
  places: {
    organisation: { name: "Organisation", detail: "Its name, how long chats are kept, closing it." },
    members: { name: "Members", detail: "Who is here, their roles, invitations." },
    keys: { name: "API keys", detail: "What programs and command lines sign in with." },
    secrets: { name: "Secrets", detail: "Values that tools and providers use and nobody sees." },
    encryption: { name: "Encryption", detail: "The keys that seal contents and sign the record." },
    activity: { name: "Admin activity", detail: "What people with power changed, newest first." },
    account: { name: "Account", detail: "Your password, where you are signed in, the theme." },
    notifications: { name: "Notifications", detail: "What you are told about, and how." },
  },
};
