/** Who may do what to whom among members. The server decides; this says it before somebody tries. */
import type { Member, Role } from "../api/members";

const ranks: Record<Role, number> = { viewer: 0, member: 1, admin: 2, owner: 3 };

export const isAbove = (a: Role, b: Role) => ranks[a] > ranks[b];

/** The roles that somebody with this one may hand out, the weakest first. */
export const rolesUpTo = (own: Role): Role[] =>
  (["viewer", "member", "admin", "owner"] as const).filter((it) => !isAbove(it, own));

/** Whether nobody else could act as owner without this member. */
export function isLastOwner(member: Member, all: readonly Member[]): boolean {
  const isOwner = (it: Member) => it.role === "owner" && !it.suspended;
  return isOwner(member) && !all.some((it) => isOwner(it) && it.user_id !== member.user_id);
}

/** Whether somebody may change this member: an admin may, unless the member stands above. */
export const mayChange = (own: Role, member: Member) =>
  ranks[own] >= ranks.admin && !isAbove(member.role, own);

export function found(all: readonly Member[], words: string): Member[] {
  const wanted = words.trim().toLowerCase();
  return all.filter((it) => `${it.name}\n${it.email}`.toLowerCase().includes(wanted));
}

/** What changing a role has to be asked first about: lowering oneself, or making an owner. */
export function roleQuestion(member: Member, to: Role, ownId: string): "own" | "owner" | undefined {
  if (member.user_id === ownId && isAbove(member.role, to)) return "own";
  return to === "owner" && member.role !== "owner" ? "owner" : undefined;
}

/** The link that a mail would have. The token stands behind `#`, which no server and no log sees. */
export const invitationLink = (origin: string, token: string) => `${origin}/invitation#token=${token}`;
