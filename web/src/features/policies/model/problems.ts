/** Where the server says that a policy is wrong, as places of its text. Pure. */
import { ApiError } from "@/api/problem";

export interface Flaw {
  /** The policy; none where the message names none. */
  policy: string | undefined;
  /** From 1. */
  line: number;
  column: number;
  message: string;
}

const PLACE = /^(?:`[^`]*`: )?policy `([^`]*)`(?:, line (\d+), column (\d+))?: ([\s\S]*)$/;

/** Reads `policy `x`, line 3, column 7: …`. */
export function flawOf(message: string): Flaw {
  const found = PLACE.exec(message);
  if (!found) return { policy: undefined, line: 1, column: 1, message };
  const [, policy, line, column, rest] = found;
  return { policy, line: Number(line ?? 1), column: Number(column ?? 1), message: rest ?? message };
}

/** The flaws of a refusal, if it is one about the policies' text. */
export function flawsOf(error: unknown): Flaw[] {
  if (!(error instanceof ApiError) || error.status !== 422) return [];
  const messages = error.problem.errors?.map((it) => it.message) ?? [error.problem.detail];
  return messages.map(flawOf);
}

/** The place of a flaw in a text, as the range of a word or at least of a sign. */
export function rangeOf(text: string, flaw: Pick<Flaw, "line" | "column">): { from: number; to: number } {
  const lines = text.split("\n");
  const line = Math.min(Math.max(1, flaw.line), lines.length);
  const before = lines.slice(0, line - 1).reduce((sum, it) => sum + it.length + 1, 0);
  const whole = lines[line - 1] ?? "";
  const from = Math.min(before + Math.max(0, flaw.column - 1), before + whole.length);
  const word = /^[\w:]+/.exec(text.slice(from, before + whole.length))?.[0].length ?? 1;
  return { from, to: Math.min(text.length, from + Math.max(1, word)) };
}
