import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { expect, test, vi } from "vitest";
import { enter } from "@/api/auth";
import type { RecordEvent } from "@/api/events";
import { eventsQuery } from "./runs";

const event = (seq: number, kind: string) => ({ seq, kind, at: "2026-01-01T00:00:00Z", data: {} });
const read = (seq: number, kind: string) => expect.objectContaining({ seq, kind });

test("what was streamed outlives a reading that began before it, and an ended run is not read again", async () => {
  const asked: string[] = [];
  let tell: (items: unknown[]) => void = () => undefined;
  vi.stubGlobal("fetch", (request: Request) => {
    asked.push(new URL(request.url).search);
    return new Promise<Response>((resolve) => {
      tell = (items) => resolve(Response.json({ items: items.map((it) => ({ event: it })) }));
    });
  });
  const org = { id: "org_1", name: "One", role: "member" } as never;
  enter({ user: { id: "usr_a" }, access_token: "t", expires_in: 900 } as never, [org]);
  const client = new QueryClient();
  const query = eventsQuery("run_1");
  const observer = new QueryObserver<RecordEvent[]>(client, query as never);
  const stop = observer.subscribe(() => undefined);
  const known = () => client.getQueryData<RecordEvent[]>(query.queryKey);

  await vi.waitFor(() => expect(asked).toHaveLength(1));
  tell([event(3, "run.queued")]);
  await vi.waitFor(() => expect(known()).toEqual([read(3, "run.queued")]));

  // Something makes everything old; while it is read again, the stream brings more.
  const reading = client.invalidateQueries();
  await vi.waitFor(() => expect(asked).toHaveLength(2));
  client.setQueryData(query.queryKey, [event(5, "tool.executed")] as RecordEvent[]);
  tell([event(4, "tool.intended")]);
  await reading;
  expect(known()?.map((it) => it.seq)).toEqual([3, 4, 5]);
  expect(asked[1]).toContain("after=3");

  expect(observer.getCurrentResult().isStale).toBe(true);
  client.setQueryData(query.queryKey, [event(6, "run.succeeded")] as RecordEvent[]);
  expect(observer.getCurrentResult().isStale).toBe(false);
  stop();
});
