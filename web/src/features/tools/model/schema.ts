/** The JSON schema of a tool's arguments, as people read it, and as a form. Pure. */
import { isObject } from "@/lib/json";
import { t } from "@/strings";

const s = t.tools.schema;

/** A row of the table that a schema is drawn as. */
export interface Row {
  /** Where it is, such as `filter.name`. */
  path: string;
  depth: number;
  type: string;
  isRequired: boolean;
  description: string;
  /** What else holds, such as `from 1`. */
  rules: string[];
}

const ROWS_MAX = 200;
const DEPTH_MAX = 6;

/** The arguments that a schema names, those of objects below them. */
export function rowsOf(schema: unknown): Row[] {
  const rows: Row[] = [];
  gather(schema, "", 0, rows);
  return rows.slice(0, ROWS_MAX);
}

function gather(schema: unknown, above: string, depth: number, rows: Row[]) {
  if (!isObject(schema) || !isObject(schema.properties) || depth > DEPTH_MAX) return;
  const required = Array.isArray(schema.required) ? schema.required : [];
  for (const [name, property] of Object.entries(schema.properties)) {
    const path = above === "" ? name : `${above}.${name}`;
    const it = isObject(property) ? property : {};
    rows.push({
      path,
      depth,
      type: typeOf(property),
      isRequired: required.includes(name),
      description: typeof it.description === "string" ? it.description : "",
      rules: rulesOf(it),
    });
    gather(property, path, depth + 1, rows);
    if (isObject(it.items)) gather(it.items, `${path}[]`, depth + 1, rows);
  }
}

/** What a value may be, in words. */
export function typeOf(schema: unknown): string {
  if (!isObject(schema)) return s.any;
  if (Array.isArray(schema.enum)) return s.oneOf;
  if ("const" in schema) return s.exactly;
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  const names = types.filter((it) => typeof it === "string");
  if (names.length === 0) return s.any;
  if (names[0] === "array" && names.length === 1) return s.list(typeOf(schema.items));
  return names.map((it) => s.types[it] ?? it).join(" / ");
}

function rulesOf(it: Record<string, unknown>): string[] {
  const rules: string[] = [];
  if (Array.isArray(it.enum)) rules.push(it.enum.map((value) => shown(value)).join(", "));
  if ("const" in it) rules.push(shown(it.const));
  if (typeof it.minimum === "number") rules.push(s.from(it.minimum));
  if (typeof it.maximum === "number") rules.push(s.upTo(it.maximum));
  if (typeof it.minLength === "number") rules.push(s.shortest(it.minLength));
  if (typeof it.maxLength === "number") rules.push(s.longest(it.maxLength));
  if (typeof it.pattern === "string") rules.push(s.pattern(it.pattern));
  if ("default" in it) rules.push(s.default(shown(it.default)));
  return rules;
}

const shown = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** Whether nothing but the named arguments is taken. */
export const isClosed = (schema: unknown) => isObject(schema) && schema.additionalProperties === false;

/** A field of a form for a schema. */
export interface Field {
  name: string;
  kind: "text" | "number" | "integer" | "boolean" | "choice";
  isRequired: boolean;
  description: string;
  choices: string[];
}

/** The fields of a form; undefined where the schema is more than texts, numbers, choices and yes or no. */
export function fieldsOf(schema: unknown): Field[] | undefined {
  if (!isObject(schema) || ["oneOf", "anyOf", "allOf", "$ref", "if"].some((it) => it in schema))
    return undefined;
  const properties = isObject(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields: Field[] = [];
  for (const [name, property] of Object.entries(properties)) {
    const kind = kindOf(property);
    if (!kind || !isObject(property)) return undefined;
    fields.push({
      name,
      kind,
      isRequired: required.includes(name),
      description: typeof property.description === "string" ? property.description : "",
      choices: kind === "choice" ? (property.enum as string[]) : [],
    });
  }
  return fields;
}

function kindOf(property: unknown): Field["kind"] | undefined {
  if (!isObject(property)) return undefined;
  if (Array.isArray(property.enum))
    return property.enum.every((it) => typeof it === "string") ? "choice" : undefined;
  switch (property.type) {
    case "string":
      return "text";
    case "number":
    case "integer":
    case "boolean":
      return property.type;
    default:
      return undefined;
  }
}

/** What was typed into the fields, by their names; what is empty was not given. */
export type Typed = Readonly<Record<string, string>>;

export interface Filled {
  value: Record<string, unknown>;
  flaws: Record<string, string>;
}

/** The arguments that the fields stand for. */
export function filled(fields: readonly Field[], typed: Typed): Filled {
  const value: Record<string, unknown> = {};
  const flaws: Record<string, string> = {};
  for (const { name, kind, isRequired } of fields) {
    const text = typed[name] ?? "";
    if (text === "") {
      // An empty text is a text; a number that is not there is missing.
      if (isRequired && kind === "text") value[name] = "";
      else if (isRequired) flaws[name] = t.tools.try.isNeeded;
      continue;
    }
    const read = readAs(kind, text);
    if (read === undefined) flaws[name] = t.tools.try.isNumber;
    else value[name] = read;
  }
  return { value, flaws };
}

function readAs(kind: Field["kind"], text: string): unknown {
  if (kind === "boolean") return text === "true";
  if (kind === "text" || kind === "choice") return text;
  const number = Number(text.trim());
  if (text.trim() === "" || !Number.isFinite(number)) return undefined;
  return kind === "integer" && !Number.isInteger(number) ? undefined : number;
}

/** The fields' texts for arguments that were written as JSON. */
export function typedOf(value: Record<string, unknown>): Typed {
  return Object.fromEntries(
    Object.entries(value).map(([name, it]) => [name, typeof it === "string" ? it : JSON.stringify(it)]),
  );
}

/** Arguments to begin with: what is required, empty. */
export function exampleOf(schema: unknown): Record<string, unknown> {
  const fields = fieldsOf(schema);
  if (fields) return filled(fields, {}).value;
  if (!isObject(schema) || !isObject(schema.properties)) return {};
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.fromEntries(
    Object.entries(schema.properties)
      .filter(([name]) => required.includes(name))
      .map(([name, it]) => [name, emptyOf(it)]),
  );
}

function emptyOf(schema: unknown): unknown {
  if (!isObject(schema)) return null;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  switch (schema.type) {
    case "string":
      return "";
    case "array":
      return [];
    case "object":
      return {};
    case "boolean":
      return false;
    case "number":
    case "integer":
      return 0;
    default:
      return null;
  }
}
