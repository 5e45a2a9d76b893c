/** What stands in the address of the usage page. */
import type { RangeSearch } from "./range";
import type { Dimension, Metric, Sort } from "./series";

export const VIEWS = ["spend", "health"] as const;
export type View = (typeof VIEWS)[number];

export interface UsageSearch extends RangeSearch {
  view?: View;
  by?: Dimension;
  metric?: Metric;
  /** The one group that is shown alone; `-` for what has none. */
  only?: string;
  sort?: Sort;
  model?: string;
}

export const NONE = "-";
export const onlyOf = (id: string) => (id === "" ? NONE : id);
export const idOfOnly = (only: string | undefined) => (only === NONE ? "" : only);
