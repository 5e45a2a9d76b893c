import {
  Bot,
  Cloud,
  Cpu,
  FileText,
  GraduationCap,
  Inbox,
  LockKeyhole,
  type LucideIcon,
  MessagesSquare,
  Scale,
  Server,
  UserRound,
  Waypoints,
  Wrench,
} from "lucide-react";
import type { FoundKind } from "../model/find";

/** The sign of each kind, as its page has it. */
export const icons: Record<FoundKind, LucideIcon> = {
  page: FileText,
  chat: MessagesSquare,
  agent: Bot,
  run: Waypoints,
  approval: Inbox,
  policy: Scale,
  tool: Wrench,
  skill: GraduationCap,
  provider: Cloud,
  profile: Cpu,
  secret: LockKeyhole,
  member: UserRound,
  node: Server,
};
