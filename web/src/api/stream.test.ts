import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { enter } from "./auth";
import { openStream, type StreamState } from "./stream";

/** What the server says to each connection, and which of them are still open. */
let answers: ((signal: AbortSignal) => Response)[];
let asked: { after: string | null; signal: AbortSignal }[];
let close: () => void = () => undefined;
let states: StreamState[];

const events = (text: string) => (signal: AbortSignal) => {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode(text));
      signal.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  return new Response(body);
};
const look = (state: "visible" | "hidden") => {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
};
const open = () => {
  close = openStream({
    path: "/v1/audit/events",
    onFrame: () => undefined,
    onState: (it) => states.push(it),
  });
};

beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  asked = [];
  states = [];
  const org = { id: "org_1", name: "One", role: "member" } as never;
  enter({ user: { id: "usr_a" }, access_token: "t", expires_in: 90_000 } as never, [org]);
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push({ after: request.headers.get("last-event-id"), signal: request.signal });
    return (answers[asked.length - 1] ?? events(""))(request.signal);
  });
});

afterEach(() => {
  close();
  vi.useRealTimers();
});

test.each([403, 404, 410])("what is refused with %i is not asked for again, and says so", async (status) => {
  answers = [() => new Response(null, { status })];
  open();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked).toHaveLength(1);
  expect(states).toEqual(["connecting", "refused"]);
});

test("a stream that has no more to say ends, and a server in trouble is asked again", async () => {
  answers = [() => new Response(null, { status: 503 }), () => new Response(null, { status: 204 })];
  open();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(states).toEqual(["connecting", "reconnecting", "ended"]);
});

test("being too slow again and again is answered ever later, and leaves no connection open", async () => {
  answers = Array.from({ length: 100 }, (_, at) => events(`id: ${at}\nevent: stream.lagged\ndata: {}\n\n`));
  open();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(asked.length).toBeGreaterThan(3);
  expect(asked.length).toBeLessThan(10);
  expect(asked.slice(0, -1).every((it) => it.signal.aborted)).toBe(true);
  expect(asked[2]?.after).toBe("1");
});

test("it rests while the page is hidden, and comes back at once, also from a pause", async () => {
  open();
  await vi.advanceTimersByTimeAsync(10);
  window.dispatchEvent(new Event("blur"));
  expect(asked[0]?.signal.aborted).toBe(false);
  look("hidden");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked).toHaveLength(1);
  expect(asked[0]?.signal.aborted).toBe(true);
  look("visible");
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(2);
  close();

  asked = [];
  answers = [() => new Response(null, { status: 503 })];
  open();
  await vi.advanceTimersByTimeAsync(10);
  look("hidden");
  await vi.advanceTimersByTimeAsync(10);
  look("visible");
  await vi.advanceTimersByTimeAsync(1);
  expect(asked).toHaveLength(2);
});
