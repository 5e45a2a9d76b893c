import type { Actor } from "@/api/events";
import { useDirectory } from "@/features/directory/api/directory";
import { shortId } from "@/lib/format";
import { t } from "@/strings";

/** The chain of who acted: an agent for a person, a part of the product, a node. */
export function Actors({ actor }: { actor: Actor }) {
  const directory = useDirectory();
  const names = [
    actor.agent && directory.name(actor.agent),
    actor.user && directory.name(actor.user),
    actor.key && `${t.record.acted.key} ${shortId(actor.key)}`,
    actor.node && `${t.record.acted.node} ${shortId(actor.node)}`,
    actor.system && `${t.record.acted.system} (${actor.system})`,
  ];
  return names.filter(Boolean).join(" · ");
}
