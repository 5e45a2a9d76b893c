/** Real calls of models at no cost but that of a made-up price. */
import { expect } from "@playwright/test";
import type { Server } from "./server";

/** A provider that a script plays, and a profile whose tokens cost 3 and 15 dollars a million. */
export async function priced(
  server: Server,
  name: string,
): Promise<{ providerId: string; profileId: string }> {
  const provider = await server.call<{ id: string }>("POST", "/v1/providers", {
    type: "scripted",
    name,
    script: { rules: [{ steps: [{ say: "So it is." }] }] },
  });
  const profile = await server.call<{ id: string }>("POST", "/v1/model-profiles", {
    name,
    targets: [{ provider_id: provider.id, model: "stage" }],
    price: { input_usd_micros: 3_000_000, output_usd_micros: 15_000_000 },
  });
  return { providerId: provider.id, profileId: profile.id };
}

/** A key whose calls are counted under its name. */
export async function apiKey(server: Server, name: string): Promise<{ id: string; key: string }> {
  return server.call<{ id: string; key: string }>("POST", "/v1/api-keys", { name, role: "member" });
}

/** Asks a model by the public route, as a client of OpenAI's does; answers the status. */
export async function ask(server: Server, key: string, model: string, words = 100): Promise<number> {
  const answer = await fetch(`${server.url}/gateway/openai/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "word ".repeat(words) }] }),
  });
  await answer.text();
  return answer.status;
}

/** Waits until so many calls of a key are in the ledger. */
export async function counted(server: Server, keyId: string, calls: number) {
  const read = async () => {
    const path = "/v1/usage?group_by=key&limit=200";
    const { items } = await server.call<{ items: { key_id: string; calls: number }[] }>("GET", path);
    return items.find((it) => it.key_id === keyId)?.calls ?? 0;
  };
  await expect.poll(read).toBe(calls);
}
