/** Other people of the demo's organisation, made over the API. */
import { randomUUID } from "node:crypto";
import type { Server } from "./server";

export interface Person {
  name: string;
  email: string;
  password: string;
  userId: string;
}

export type RoleName = "viewer" | "member" | "admin" | "owner";

/** Invites somebody and lets them join. */
export async function join(server: Server, role: RoleName, name = "Ada Lovelace"): Promise<Person> {
  const email = `${randomUUID()}@example.com`;
  const password = "correct horse battery staple";
  const { token } = await server.call<{ token: string }>("POST", "/v1/invitations", { email, role });
  const answer = await fetch(`${server.url}/v1/auth/register`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": randomUUID() },
    body: JSON.stringify({ name, email, password, invitation_token: token }),
  });
  if (!answer.ok) throw new Error(`registering ${name}: ${answer.status} ${await answer.text()}`);
  const { user } = (await answer.json()) as { user: { id: string } };
  return { name, email, password, userId: user.id };
}

/** Something that would run if a page took it for markup. */
export const payload = (name: string) => `<img src=x onerror="window.pwned='${name}'">${name}`;
