/** An agent as somebody writes it down, and back. Pure. */
import type { Schema } from "@/api/client";
import { isSameJson, parseObject } from "@/lib/json";
import { t } from "@/strings";
import type { Definition } from "../api/agents";

export interface AgentForm {
  name: string;
  description: string;
  instructions: string;
  engine: Definition["engine"];
  planner: Definition["planner"];
  /** Empty for the organisation's default. */
  profile: string;
  tools: string[];
  steps: string;
  /** In dollars; empty for none. */
  budget: string;
  /** JSON; empty for none. */
  schema: string;
  labels: string;
  workspace: string;
}

export const blank: AgentForm = {
  name: "",
  description: "",
  instructions: "",
  engine: "builtin",
  planner: "model",
  profile: "",
  tools: [],
  steps: "50",
  budget: "",
  schema: "",
  labels: "",
  workspace: "default",
};

export const INSTRUCTIONS_BYTES = 16 * 1024;
const STEPS_MAX = 1000;
const MICROS = 1_000_000;

export function formOf(agent: Definition): AgentForm {
  return {
    name: agent.name,
    description: agent.description,
    instructions: agent.instructions,
    engine: agent.engine,
    planner: agent.planner,
    profile: agent.model_profile_id ?? "",
    tools: [...agent.tools],
    steps: String(agent.max_steps),
    budget: typeof agent.budget_usd_micros === "number" ? dollarsOf(agent.budget_usd_micros) : "",
    schema: agent.output_schema ? JSON.stringify(agent.output_schema, null, 2) : "",
    labels: agent.labels.join(", "),
    workspace: agent.workspace,
  };
}

/** Without a sign, and without zeros that say nothing: what a field of a form holds. */
const dollarsOf = (micros: number) => (micros / MICROS).toFixed(6).replace(/\.?0+$/, "");

/** Millionths of a dollar; undefined if it is no amount. */
export function microsOf(text: string): number | undefined {
  const plain = text.trim().replace(/^\$/, "").replace(",", ".");
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(plain)) return undefined;
  return Math.round(Number(plain) * MICROS);
}

const labelsOf = (text: string) => [
  ...new Set(
    text
      .split(",")
      .map((it) => it.trim())
      .filter((it) => it !== ""),
  ),
];

export const bytesOf = (text: string) => new TextEncoder().encode(text).length;

/** The members of the API, which are also where it says that something is wrong. */
export type Member = keyof Schema<"NewAgent">;

/** What can be seen to be wrong before the server is asked. */
export function flawsIn(form: AgentForm): Partial<Record<Member, string>> {
  const s = t.agents.flaws;
  const flaws: Partial<Record<Member, string>> = {};
  if (form.name.trim() === "") flaws.name = s.name;
  if (bytesOf(form.instructions) > INSTRUCTIONS_BYTES) flaws.instructions = s.instructions;
  const steps = Number(form.steps);
  if (!Number.isInteger(steps) || steps < 1 || steps > STEPS_MAX) flaws.max_steps = s.steps;
  if (form.budget.trim() !== "" && microsOf(form.budget) === undefined) flaws.budget_usd_micros = s.budget;
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(form.workspace)) flaws.workspace = s.workspace;
  if (form.planner === "model" && form.schema.trim() !== "") {
    const parsed = parseObject(form.schema);
    if (!parsed.ok) flaws.output_schema = parsed.message ?? s.schema;
  }
  return flaws;
}

/** All of it, as it is sent for a new agent. Without flaws, that is. */
export function bodyOf(form: AgentForm) {
  const schema = form.schema.trim() === "" ? undefined : parseObject(form.schema);
  const isModel = form.planner === "model";
  return {
    name: form.name.trim(),
    description: form.description.trim(),
    instructions: form.instructions,
    engine: form.engine,
    planner: form.planner,
    model_profile_id: isModel && form.profile !== "" ? form.profile : null,
    tools: [...form.tools].toSorted(),
    max_steps: Number(form.steps),
    budget_usd_micros: form.budget.trim() === "" ? null : (microsOf(form.budget) ?? null),
    output_schema: isModel && schema?.ok ? (schema.value as Record<string, never>) : null,
    labels: labelsOf(form.labels).toSorted(),
    workspace: form.workspace,
  } satisfies Schema<"NewAgent">;
}

/** What of it is another than it was in the beginning; nothing else is sent. */
export function changeOf(form: AgentForm, before: AgentForm): Schema<"AgentChange"> {
  const began: Record<string, unknown> = bodyOf(before);
  const changed = Object.entries(bodyOf(form)).filter(([name, value]) => !isSameJson(value, began[name]));
  return Object.fromEntries(changed);
}
