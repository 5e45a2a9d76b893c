/** A model provider that a test plays word by word, so that what happens in the middle can be looked at. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Server } from "./server";

export interface Provider {
  /** The next question that is asked; to be answered piece by piece. */
  asked(): Promise<Answer>;
  close(): Promise<void>;
}

export interface Answer {
  /** What was asked, as it came. */
  question: string;
  say(text: string): void;
  cite(places: readonly { url: string; title: string }[]): void;
  end(): void;
}

function answering(question: string, response: ServerResponse): Answer {
  const chunk = (choice: object, more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices: [choice], ...more })}\n\n`,
    );
  response.writeHead(200, { "content-type": "text/event-stream" });
  return {
    question,
    say: (content) => void chunk({ index: 0, delta: { role: "assistant", content }, finish_reason: null }),
    cite(places) {
      const annotations = places.map((it) => ({
        type: "url_citation",
        url_citation: { ...it, start_index: 0, end_index: 1 },
      }));
      chunk({ index: 0, delta: { annotations }, finish_reason: null });
    },
    end() {
      chunk(
        { index: 0, delta: {}, finish_reason: "stop" },
        { usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 } },
      );
      response.end("data: [DONE]\n\n");
    },
  };
}

async function listen(): Promise<{ port: number; provider: Provider }> {
  const waiting: ((answer: Answer) => void)[] = [];
  const come: Answer[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => void pieces.push(piece));
    request.on("end", () => {
      const answer = answering(Buffer.concat(pieces).toString(), response);
      const next = waiting.shift();
      if (next) next(answer);
      else come.push(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const provider = {
    asked: () => {
      const answer = come.shift();
      return answer ? Promise.resolve(answer) : new Promise<Answer>((resolve) => waiting.push(resolve));
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return { port: (server.address() as AddressInfo).port, provider };
}

/** A profile that is answered by such a provider; answers both. */
export async function played(
  server: Server,
  name: string,
): Promise<{ profileId: string; provider: Provider }> {
  const { port, provider } = await listen();
  const made = await server.call<{ id: string }>("POST", "/v1/providers", {
    type: "openai_compatible",
    name,
    base_url: `http://127.0.0.1:${port}/v1`,
  });
  const targets = [{ provider_id: made.id, model: "m" }];
  const profile = await server.call<{ id: string }>("POST", "/v1/model-profiles", { name, targets });
  return { profileId: profile.id, provider };
}

/** An agent that thinks with such a provider; answers both. */
export async function thinker(
  server: Server,
  name: string,
  called = name,
): Promise<{ agentId: string; provider: Provider }> {
  const { profileId, provider } = await played(server, name);
  const agent = await server.call<{ id: string }>("POST", "/v1/agents", {
    name: called,
    planner: "model",
    model_profile_id: profileId,
    tools: [],
    workspace: "demo",
  });
  return { agentId: agent.id, provider };
}
