/** Work for the demo's agents, which the tests look at. */
import { expect } from "@playwright/test";
import type { Server } from "./server";

/** Posts a message to an agent in a chat of its own; answers the run that it began. */
export async function runOf(server: Server, content: string, agent = "demo"): Promise<string> {
  const { items } = await server.call<{ items: { id: string; name: string }[] }>("GET", "/v1/agents");
  const found = items.find((it) => it.name === agent);
  const session = await server.call<{ id: string }>("POST", "/v1/sessions", { agent_ids: [found?.id] });
  const path = `/v1/sessions/${session.id}/messages`;
  const posted = await server.call<{ run: { id: string } }>("POST", path, { content });
  return posted.run.id;
}

/** Waits until a run is in this state. */
export async function settled(server: Server, run: string, state: string) {
  const read = () => server.call<{ state: string }>("GET", `/v1/runs/${run}`).then((it) => it.state);
  await expect.poll(read, { timeout: 30_000 }).toBe(state);
}
