/** Ids that somebody pastes, and the pages that they lead to. */
import { t } from "@/strings";

const s = t.search.ids;

/** Where the id of a kind leads. Those without a page of their own lead to their list. */
const places: Record<string, { name: string; href(id: string): string }> = {
  run: { name: s.run, href: (id) => `/runs/${id}` },
  ses: { name: s.ses, href: (id) => `/chats/${id}` },
  agt: { name: s.agt, href: (id) => `/agents/${id}` },
  apr: { name: s.apr, href: (id) => `/inbox/${id}` },
  sec: { name: s.sec, href: (id) => `/settings/secrets/${id}` },
  skl: { name: s.skl, href: (id) => `/skills/${id}` },
  prv: { name: s.prv, href: (id) => `/models/providers/${id}` },
  mdl: { name: s.mdl, href: (id) => `/models/profiles/${id}` },
  nod: { name: s.nod, href: (id) => `/nodes/${id}` },
  usr: { name: s.usr, href: () => "/settings/members" },
  inv: { name: s.inv, href: () => "/settings/members" },
  key: { name: s.key, href: () => "/settings/keys" },
  pol: { name: s.pol, href: () => "/policies" },
  grt: { name: s.grt, href: () => "/grants" },
};

export interface Jump {
  name: string;
  href: string;
}

/** The page that a pasted id, number of an event or address of this app leads to. */
export function jumpTo(text: string, origin: string): Jump | undefined {
  const plain = text.trim();
  if (plain.startsWith(`${origin}/`)) return { name: plain, href: plain.slice(origin.length) };
  const seq = /^#?([1-9]\d{0,14})$/.exec(plain)?.[1];
  if (seq) return { name: s.event(seq), href: `/record/${seq}` };
  const id = /^([a-z]{3})_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.exec(plain.toLowerCase());
  const place = id?.[1] ? places[id[1]] : undefined;
  return place && id ? { name: `${place.name} ${id[0]}`, href: place.href(id[0]) } : undefined;
}
