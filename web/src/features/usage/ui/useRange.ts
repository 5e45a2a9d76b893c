import { useKeys } from "@/app/keys";
import { useMinute } from "@/lib/useNow";
import { t } from "@/strings";
import {
  dayOf,
  narrower,
  type Range,
  type RangeSearch,
  rangeOf,
  shifted,
  USUAL,
  wider,
} from "../model/range";

const s = t.usage.keys;

/** The days that the address names, and the keys that change them. */
export function useRange(search: RangeSearch, onChange: (next: RangeSearch) => void) {
  const today = dayOf(useMinute());
  const now = Date.parse(today);
  const range = rangeOf(search, now);
  const kept = search.range && search.range !== USUAL ? { range: search.range } : {};
  const choose = (next: Range) => {
    if (next.from !== range.from || next.to !== range.to) onChange({ ...kept, ...next });
  };
  useKeys([
    { keys: "[", label: s.earlier, group: "page", run: () => choose(shifted(range, -1, now)) },
    { keys: "]", label: s.later, group: "page", run: () => choose(shifted(range, 1, now)) },
    { keys: "=", label: s.narrower, group: "page", run: () => choose(narrower(range)) },
    { keys: "+", label: s.narrower, group: "page", run: () => choose(narrower(range)), hidden: true },
    { keys: "-", label: s.wider, group: "page", run: () => choose(wider(range, now)) },
    { keys: "0", label: s.reset, group: "page", run: () => onChange(kept) },
  ]);
  return { range, today, choose };
}
