/**
 * Every text that the app shows, in one catalogue: a part for each feature, plain objects and functions.
 * A component never holds a sentence of its own.
 */
import { account } from "./account";
import { approvals } from "./approvals";
import { auth } from "./auth";
import { chats } from "./chats";
import { common, errors } from "./common";
import { keys } from "./keys";
import { members } from "./members";
import { policies } from "./policies";
import { record } from "./record";
import { runs } from "./runs";
import { settings } from "./settings";
import { shell } from "./shell";
import { start } from "./start";
import { steps } from "./steps";

export const t = {
  common,
  errors,
  shell,
  account,
  auth,
  approvals,
  chats,
  keys,
  members,
  policies,
  record,
  runs,
  settings,
  start,
  steps,
};
