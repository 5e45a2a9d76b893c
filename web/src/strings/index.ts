/**
 * Every text that the app shows, in one catalogue: a part for each feature, plain objects and functions.
 * A component never holds a sentence of its own.
 */
import { approvals } from "./approvals";
import { auth } from "./auth";
import { common, errors } from "./common";
import { shell } from "./shell";
import { start } from "./start";

export const t = { common, errors, shell, auth, approvals, start };
