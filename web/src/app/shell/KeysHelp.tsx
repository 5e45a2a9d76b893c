import { t } from "@/strings";
import { Dialog } from "@/ui/Dialog";
import { Kbd } from "@/ui/Kbd";
import { type Binding, useBindings } from "../keys";

/** What is only here and what is everywhere, beside where one can go. */
const columns = [["page", "general"], ["go"]] as const;

export function KeysHelp({ open, onOpenChange }: { open: boolean; onOpenChange(open: boolean): void }) {
  const bindings = useBindings().filter((it) => !it.hidden);
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t.shell.keys}
      description={t.shell.keysHint}
      className="md:max-w-3xl"
    >
      <div className="grid gap-x-10 md:grid-cols-2">
        {columns.map((groups) => (
          <div key={groups[0]} className="min-w-0">
            {groups.map((group) => (
              <Keys key={group} group={group} keys={bindings.filter((it) => it.group === group)} />
            ))}
          </div>
        ))}
      </div>
    </Dialog>
  );
}

function Keys({ group, keys }: { group: Binding["group"]; keys: readonly Binding[] }) {
  if (keys.length === 0) return null;
  return (
    <section className="mt-3">
      <h3 className="mb-1 text-xs font-medium text-muted">{t.shell.keyGroups[group]}</h3>
      <dl>
        {keys.map((it) => (
          <div
            key={it.keys}
            className="flex items-center justify-between gap-4 border-b py-1.5 text-sm last:border-0"
          >
            <dt>{it.label}</dt>
            <dd className="shrink-0">
              <Kbd keys={it.keys} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
