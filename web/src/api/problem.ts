/** What goes wrong between us and the server, as one type that pages can show. */
import { t } from "@/strings";
import type { components } from "./schema";

type Problem = components["schemas"]["Problem"];

/** The server refused; it says why, and often what to do. */
export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
  }
  get status() {
    return this.problem.status;
  }
  get code() {
    return this.problem.code;
  }
}

/** The server was not reached at all. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("the server was not reached", { cause });
    this.name = "Unreachable";
  }
}

/** Who is signed in, or in which organisation, is not the same any more as when this was asked. */
export class SignInChanged extends Error {
  constructor() {
    super("the sign-in changed meanwhile");
    this.name = "SignInChanged";
  }
}

/** Whether an answer is a problem document: proxies in front may answer with pages of their own. */
function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

export function problemOf(status: number, body: unknown): Problem {
  if (isProblem(body)) return body;
  return {
    type: "about:blank",
    title: t.errors.oddAnswer,
    status,
    detail: t.errors.oddAnswerDetail(status),
    code: "UNEXPECTED",
    retryable: status >= 500,
  };
}

/** The message for one field of a form, by its JSON pointer. */
export function flawOf(error: unknown, pointer: string): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  return error.problem.errors?.find((flaw) => flaw.pointer === pointer)?.message;
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.code === code;
}
