/**
 * Every text that the app shows, in one catalogue: a part for each feature, plain objects and functions.
 * A component never holds a sentence of its own.
 */
import { account } from "./account";
import { acts } from "./acts";
import { agents } from "./agents";
import { approvals } from "./approvals";
import { auth } from "./auth";
import { budgets } from "./budgets";
import { chats } from "./chats";
import { common, errors } from "./common";
import { grants } from "./grants";
import { keys } from "./keys";
import { limits } from "./limits";
import { members } from "./members";
import { models } from "./models";
import { nodes } from "./nodes";
import { notifications } from "./notifications";
import { policies } from "./policies";
import { record } from "./record";
import { runs } from "./runs";
import { search } from "./search";
import { secrets } from "./secrets";
import { organisation, settings } from "./settings";
import { shell } from "./shell";
import { skills } from "./skills";
import { start } from "./start";
import { tools } from "./tools";
import { usage } from "./usage";

export const t = {
  common,
  errors,
  shell,
  account,
  agents,
  acts,
  approvals,
  auth,
  budgets,
  chats,
  grants,
  keys,
  limits,
  members,
  notifications,
  organisation,
  models,
  nodes,
  policies,
  record,
  runs,
  search,
  secrets,
  settings,
  skills,
  start,
  tools,
  usage,
};
