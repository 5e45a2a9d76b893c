import { X } from "lucide-react";
import type { RefObject } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { FindBox } from "@/ui/FindBox";
import { Select } from "@/ui/Select";
import type { RunFilter } from "../api/runs";
import { RUN_STATES } from "../model/run";

const s = t.runs;

interface Props {
  filter: RunFilter;
  onChange(next: RunFilter): void;
  find: string;
  onFind(text: string): void;
  input: RefObject<HTMLInputElement | null>;
}

/** What the list is narrowed to. It stands in the address, so a link and the way back keep it. */
export function RunFilters({ filter, onChange, find, onFind, input }: Props) {
  const { agents } = useDirectory();
  const set = (name: keyof RunFilter, value: string) => {
    const { [name]: _, ...rest } = filter;
    onChange(value === "" ? rest : { ...rest, [name]: value });
  };
  const isNarrowed = Object.keys(filter).length > 0 || find !== "";
  return (
    <div className="flex flex-wrap items-center gap-2">
      <FindBox label={s.find} value={find} onChange={onFind} input={input} keys="/" />
      <Select
        label={s.filters.state}
        value={filter.state ?? ""}
        onChange={(value) => set("state", value)}
        options={[
          { value: "", name: s.filters.anyState },
          ...RUN_STATES.map((state) => ({ value: state, name: s.states[state] ?? state })),
        ]}
      />
      <Select
        label={s.filters.agent}
        value={filter.agent ?? ""}
        onChange={(value) => set("agent", value)}
        options={[
          { value: "", name: s.filters.anyAgent },
          ...agents.map((agent) => ({ value: agent.id, name: agent.name })),
        ]}
      />
      {filter.session && (
        <Button icon={<X />} onClick={() => set("session", "")}>
          {s.filters.session}
        </Button>
      )}
      {isNarrowed && (
        <Button
          look="ghost"
          onClick={() => {
            onFind("");
            onChange({});
          }}
        >
          {s.filters.clear}
        </Button>
      )}
    </div>
  );
}
