/** Work for the demo's agents, and people of its organisation, which the tests look at. */
import { randomUUID } from "node:crypto";
import { expect } from "@playwright/test";
import { type Call, caller, type Server } from "./server";

export const fresh = (name: string) => `${name}-${randomUUID().slice(0, 8)}`;

export async function agentNamed(server: Server, name: string): Promise<string> {
  const { items } = await server.call<{ items: { id: string; name: string }[] }>(
    "GET",
    "/v1/agents?limit=200",
  );
  const found = items.find((it) => it.name === name);
  if (!found) throw new Error(`no agent is called ${name}`);
  return found.id;
}

/** A chat with an agent. */
export async function chatWith(server: Server, agent: string, title = fresh("chat")): Promise<string> {
  const agent_ids = [await agentNamed(server, agent)];
  return (await server.call<{ id: string }>("POST", "/v1/sessions", { title, agent_ids })).id;
}

/** Posts a message to an agent in a chat of its own; answers the run that it began. */
export async function runOf(server: Server, content: string, agent = "demo", title = ""): Promise<string> {
  const session = await chatWith(server, agent, title);
  const path = `/v1/sessions/${session}/messages`;
  const posted = await server.call<{ run: { id: string } }>("POST", path, { content });
  return posted.run.id;
}

/** Waits until a run is in this state. */
export async function settled(server: Server, run: string, state: string) {
  const read = () => server.call<{ state: string }>("GET", `/v1/runs/${run}`).then((it) => it.state);
  await expect.poll(read, { timeout: 30_000 }).toBe(state);
}

/** The request that a run waits with. */
export async function requestOf(server: Server, run: string): Promise<string> {
  const path = "/v1/approvals?status=pending&limit=200";
  const { items } = await server.call<{ items: { id: string; run_id: string }[] }>("GET", path);
  const found = items.find((it) => it.run_id === run);
  if (!found) throw new Error(`nothing of ${run} waits for a person`);
  return found.id;
}

export interface Person {
  email: string;
  password: string;
  name: string;
  id: string;
  call: Call;
}

/** Somebody more in the demo's organisation. */
export async function person(server: Server, role: string, name: string): Promise<Person> {
  const who = { email: `${randomUUID()}@example.com`, password: "correct horse battery staple", name };
  const { token } = await server.call<{ token: string }>("POST", "/v1/invitations", {
    email: who.email,
    role,
  });
  const made = await server.call<{ access_token: string; user: { id: string }; org: { id: string } }>(
    "POST",
    "/v1/auth/register",
    { ...who, invitation_token: token },
  );
  return {
    ...who,
    id: made.user.id,
    call: caller(server.url, { token: made.access_token, org: made.org.id }),
  };
}
