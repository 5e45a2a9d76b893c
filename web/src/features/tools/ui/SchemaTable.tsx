import { useState } from "react";
import { t } from "@/strings";
import { Button } from "@/ui/Button";
import { Code } from "@/ui/Code";
import { Section } from "@/ui/Section";
import { isClosed, rowsOf } from "../model/schema";

const s = t.tools;

/** The arguments of a tool as a table, or as the schema that they are checked against. */
export function SchemaTable({ schema }: { schema: unknown }) {
  const [isRaw, setRaw] = useState(false);
  const rows = rowsOf(schema);
  return (
    <Section
      as="h2"
      title={s.page.arguments}
      aside={
        <Button look="ghost" size="sm" onClick={() => setRaw(!isRaw)}>
          {isRaw ? s.page.readable : s.page.raw}
        </Button>
      }
    >
      {isRaw ? (
        <Code text={JSON.stringify(schema, null, 2)} label={s.page.raw} />
      ) : rows.length === 0 ? (
        <p className="text-sm text-muted">{s.page.argumentsNone}</p>
      ) : (
        <>
          <table className="w-full border-collapse text-sm">
            <thead className="max-sm:sr-only">
              <tr className="text-left text-xs text-muted">
                <th className="border-b py-1.5 pr-4 font-normal">{s.schema.name}</th>
                <th className="border-b py-1.5 pr-4 font-normal whitespace-nowrap">{s.schema.type}</th>
                <th className="border-b py-1.5 font-normal">{s.schema.what}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((it) => (
                <tr key={it.path} className="align-top max-sm:grid max-sm:border-b max-sm:py-2">
                  <th
                    scope="row"
                    style={{ paddingInlineStart: `${it.depth}rem` }}
                    className="py-1.5 pr-4 text-left font-normal sm:border-b"
                  >
                    <code className="font-mono text-xs font-medium">{it.path}</code>
                    {it.isRequired && (
                      <span className="ml-2 text-xs whitespace-nowrap text-warn">{s.page.required}</span>
                    )}
                  </th>
                  <td className="py-1.5 pr-4 text-muted max-sm:py-0.5 sm:border-b">{it.type}</td>
                  <td className="py-1.5 max-sm:py-0.5 sm:border-b">
                    {it.description}
                    {it.rules.length > 0 && (
                      <span className="block text-xs text-muted">{it.rules.join(" · ")}</span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {isClosed(schema) && <p className="text-xs text-muted">{s.page.anyOther}</p>}
        </>
      )}
    </Section>
  );
}
