/** An HTTP tool as somebody writes it down. Pure. */
import type { Schema } from "@/api/client";
import type { HistoryEvent } from "@/features/record/api/history";
import { isObject, isSameJson, parseObject } from "@/lib/json";
import { t } from "@/strings";
import type { Tool } from "../api/tools";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;

export interface HeaderForm {
  name: string;
  value: string;
  /** The name of a secret; empty for none. */
  secret: string;
}

export interface ToolForm {
  name: string;
  description: string;
  method: string;
  url: string;
  idempotent: "auto" | "yes" | "no";
  /** JSON. */
  schema: string;
  /** None where those that it has are to stay. */
  headers: HeaderForm[] | null;
}

const emptySchema = {
  type: "object",
  properties: { id: { type: "string", description: "" } },
  required: ["id"],
  additionalProperties: false,
};

export const blank: ToolForm = {
  name: "",
  description: "",
  method: "GET",
  url: "",
  idempotent: "auto",
  schema: JSON.stringify(emptySchema, null, 2),
  headers: [],
};

/** A tool's newest request, as the record has it: the API does not say it. */
export interface Known {
  method: string;
  url: string;
  version: number;
  at: string;
  by: string | undefined;
  seq: number;
}

/** The versions of a tool, the newest first. One that was removed before is another tool. */
export function versionsOf(events: readonly HistoryEvent[], name: string): Known[] {
  const versions: Known[] = [];
  for (const { kind, data, actor, at, seq } of events) {
    if (data.name !== name) continue;
    if (kind === "tool.removed") break;
    if (typeof data.method !== "string" || typeof data.url_template !== "string") continue;
    const version = typeof data.version === "number" ? data.version : 0;
    versions.push({ method: data.method, url: data.url_template, version, at, by: actor.user, seq });
  }
  return versions;
}

export function formOf(tool: Tool, known: Known | undefined): ToolForm {
  return {
    name: tool.name,
    description: tool.description,
    method: known?.method ?? "",
    url: known?.url ?? "",
    idempotent: tool.idempotent ? "yes" : "no",
    schema: JSON.stringify(tool.schema, null, 2),
    headers: null,
  };
}

/** The names in braces. */
export const argumentsIn = (url: string) => [
  ...new Set([...url.matchAll(/\{([^{}]*)\}/g)].map((it) => it[1] ?? "")),
];

/** The host that requests go to, as policies see it; undefined if the URL has none yet. */
export function hostOf(url: string): string | undefined {
  const fixed = /^https?:\/\/([^/{}?#]+)\//i.exec(url);
  return fixed?.[1];
}

/** Arguments that the URL names and the schema does not. */
export function missingIn(form: Pick<ToolForm, "url" | "schema">): string[] {
  const parsed = parseObject(form.schema);
  if (!parsed.ok) return [];
  const { properties } = parsed.value;
  const known = isObject(properties) ? Object.keys(properties) : [];
  return argumentsIn(form.url).filter((it) => !known.includes(it));
}

export type Member = keyof Schema<"HttpToolDraft"> | "name";

/** What can be seen to be wrong before the server is asked. `isNew` tools need all of it. */
export function flawsIn(form: ToolForm, isNew: boolean): Partial<Record<Member, string>> {
  const s = t.tools.form;
  const flaws: Partial<Record<Member, string>> = {};
  if (isNew && !/^[A-Za-z0-9._-]{1,128}$/.test(form.name)) flaws.name = s.nameBad;
  if ((isNew || form.url !== "") && hostOf(form.url) === undefined) flaws.url_template = s.urlBad;
  const parsed = parseObject(form.schema);
  if (!parsed.ok) flaws.schema = parsed.message ?? s.schemaBad;
  else {
    const [missing] = missingIn(form);
    if (missing !== undefined) flaws.schema = s.missing(missing);
  }
  return flaws;
}

const headersOf = (headers: readonly HeaderForm[]): Schema<"HeaderDraft">[] =>
  headers
    .filter((it) => it.name.trim() !== "")
    .map(({ name, value, secret }) => ({
      name: name.trim(),
      ...(value === "" ? {} : { value }),
      ...(secret === "" ? {} : { secret }),
    }));

const schemaOf = (text: string) => {
  const parsed = parseObject(text);
  return (parsed.ok ? parsed.value : {}) as Record<string, never>;
};

/** All of it, as it is sent for a new tool. Without flaws, that is. */
export function draftOf(form: ToolForm): Schema<"HttpToolDraft"> {
  return {
    description: form.description.trim(),
    method: form.method,
    url_template: form.url.trim(),
    schema: schemaOf(form.schema),
    headers: headersOf(form.headers ?? []),
    ...(form.idempotent === "auto" ? {} : { idempotent: form.idempotent === "yes" }),
  };
}

/** What of it is another than it was. */
export function changeOf(form: ToolForm, before: ToolForm): Schema<"HttpToolChange"> {
  const schema = schemaOf(form.schema);
  return {
    ...(form.description.trim() === before.description ? {} : { description: form.description.trim() }),
    ...(form.method === before.method ? {} : { method: form.method }),
    ...(form.url.trim() === before.url ? {} : { url_template: form.url.trim() }),
    ...(isSameJson(schema, schemaOf(before.schema)) ? {} : { schema }),
    ...(form.headers === null ? {} : { headers: headersOf(form.headers) }),
    ...(form.idempotent === before.idempotent || form.idempotent === "auto"
      ? {}
      : { idempotent: form.idempotent === "yes" }),
  };
}

/** Without secrets' values: there are none in a form. */
export function isForm(value: unknown): value is ToolForm {
  if (!isObject(value)) return false;
  const { headers, ...rest } = blank;
  const texts = Object.keys(rest).every((name) => typeof value[name] === "string");
  return texts && (value.headers === null || Array.isArray(value.headers) === Array.isArray(headers));
}
