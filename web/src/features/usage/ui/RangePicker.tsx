import { RotateCcw } from "lucide-react";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Segmented } from "@/ui/Segmented";
import { isDay, PRESETS, type Preset, type Range, type RangeSearch, USUAL } from "../model/range";

const s = t.usage;

interface Props {
  search: RangeSearch;
  range: Range;
  today: string;
  onChange(next: RangeSearch): void;
}

/** Which days are looked at: usual ones, or any by their dates, which is also the way to zoom without a mouse. */
export function RangePicker({ search, range, today, onChange }: Props) {
  const isChosen = isDay(search.from) && isDay(search.to);
  const preset: Preset = search.range ?? USUAL;
  const set = (part: Partial<Range>) => {
    const next = { ...range, ...part };
    if (isDay(next.from) && isDay(next.to)) onChange({ range: preset, ...next });
  };
  const field = (name: keyof Range) => (
    <label className="flex items-center gap-1.5 text-sm text-muted">
      {s[name]}
      <input
        type="date"
        // Typing goes on in the field; the page follows each whole date.
        key={range[name]}
        defaultValue={range[name]}
        max={today}
        onChange={(event) => set({ [name]: event.target.value })}
        className="h-8 rounded-md border border-line-strong/60 bg-surface px-2 text-sm text-text tabular-nums shadow-sm"
      />
    </label>
  );
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Segmented
        label={s.range}
        value={isChosen ? undefined : preset}
        options={PRESETS.map((name) => ({ name, label: s.presets[name] }))}
        onChange={(range) => onChange(range === USUAL ? {} : { range })}
        className="max-w-full overflow-x-auto"
      />
      {field("from")}
      {field("to")}
      {isChosen && (
        <Button
          look="ghost"
          icon={<RotateCcw />}
          onClick={() => onChange(preset === USUAL ? {} : { range: preset })}
        >
          {s.reset(s.presets[preset])}
        </Button>
      )}
    </div>
  );
}
