import { Search, X } from "lucide-react";
import type { RefObject } from "react";
import { useDirectory } from "@/features/directory/api/directory";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
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
      <label className="flex h-8 w-full min-w-0 items-center gap-2 rounded-md border border-line-strong/60 bg-surface px-2.5 text-sm shadow-sm focus-within:outline-2 focus-within:outline-accent-text sm:w-64">
        <Search aria-hidden className="size-4 shrink-0 text-muted" />
        <input
          ref={input}
          type="search"
          aria-label={s.find}
          placeholder={s.find}
          value={find}
          onChange={(event) => onFind(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            onFind("");
            event.currentTarget.blur();
          }}
          className="min-w-0 flex-1 bg-transparent outline-none"
        />
        <span className="hidden sm:block">
          <Kbd keys="/" />
        </span>
      </label>
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
