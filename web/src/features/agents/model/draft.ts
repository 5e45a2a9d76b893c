/** What somebody has written of an agent and not saved yet; see `lib/kept`. */
import { isObject } from "@/lib/json";
import { kept } from "@/lib/kept";
import { type AgentForm, blank } from "./form";

export const draftKey = (who: string, agentId: string) => `agent.${who}.${agentId}`;

export interface Draft {
  form: AgentForm;
  /** What it began with. */
  before: AgentForm;
  /** The version that it began with; 0 for a new agent. */
  version: number;
}

/** The draft, if it is one of forms as they are today. */
export function draftOf(key: string): Draft | undefined {
  const value = kept(key);
  if (!isObject(value) || typeof value.version !== "number") return undefined;
  const { form, before, version } = value;
  return isForm(form) && isForm(before) ? { form, before, version } : undefined;
}

function isForm(value: unknown): value is AgentForm {
  return (
    isObject(value) &&
    Object.entries(blank).every(
      ([name, it]) => typeof value[name] === typeof it && Array.isArray(value[name]) === Array.isArray(it),
    )
  );
}
