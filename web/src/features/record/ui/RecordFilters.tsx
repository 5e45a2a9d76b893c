import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import type { FormEvent, RefObject } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Select } from "@/ui/Select";
import { kindsQuery } from "../api/record";
import { type RecordFilter, SINCE } from "../model/filter";

const s = t.record.filters;

interface Props {
  filter: RecordFilter;
  onChange(next: RecordFilter): void;
  tool: RefObject<HTMLInputElement | null>;
}

/** What the record is narrowed to. It stands in the address. */
export function RecordFilters({ filter, onChange, tool }: Props) {
  const kinds = useQuery(kindsQuery).data ?? [];
  const { agents, members } = useDirectory();
  const set = (name: keyof RecordFilter, value: string) => {
    const { [name]: _, ...rest } = filter;
    onChange(value === "" ? rest : { ...rest, [name]: value });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set("tool", tool.current?.value.trim() ?? "");
  };
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Select
        label={s.kind}
        value={filter.kind ?? ""}
        onChange={(value) => set("kind", value)}
        options={[{ value: "", name: s.anyKind }, ...kinds.map((it) => ({ value: it, name: it }))]}
      />
      <Select
        label={s.actor}
        value={filter.actor ?? ""}
        onChange={(value) => set("actor", value)}
        options={[
          { value: "", name: s.anyActor },
          ...members.map((it) => ({ value: it.user_id, name: it.name })),
          ...agents.map((it) => ({ value: it.id, name: it.name })),
        ]}
      />
      <Select
        label={s.since}
        value={filter.since ?? ""}
        onChange={(value) => set("since", value)}
        options={[{ value: "", name: s.ever }, ...SINCE.map((it) => ({ value: it, name: s.times[it] }))]}
      />
      <form onSubmit={submit} className="min-w-0">
        <input
          key={filter.tool ?? ""}
          ref={tool}
          type="search"
          defaultValue={filter.tool ?? ""}
          aria-label={s.tool}
          placeholder={s.anyTool}
          className="h-8 w-56 rounded-md border border-line-strong/60 bg-surface px-2.5 text-sm shadow-sm"
        />
      </form>
      {filter.run && (
        <Button icon={<X />} onClick={() => set("run", "")}>
          {s.run}
        </Button>
      )}
      {Object.keys(filter).length > 0 && (
        <Button look="ghost" onClick={() => onChange({})}>
          {s.clear}
        </Button>
      )}
    </div>
  );
}
