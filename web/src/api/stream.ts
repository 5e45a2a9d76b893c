/**
 * A live stream of the server that keeps itself alive.
 *
 * It is read by `fetch`, because only that can send the token. When it breaks, it comes back where it was
 * (`Last-Event-ID`), after a pause that doubles and is spread at random; only a connection that held for a
 * while makes the pauses short again. What the server refuses is not asked for again. It rests while nobody
 * sees the page or there is no network: browsers allow few connections at once to one server, and a tab in
 * the background should hold none of them.
 */
import { authorisedFetch } from "./client";
import { SignInChanged } from "./problem";
import { type Frame, parser } from "./sse";

/** `ended`: there is no more to come. `refused`: there may be, but not for us, or not here any more. */
export type StreamState = "connecting" | "live" | "reconnecting" | "resting" | "ended" | "refused";

interface StreamOptions {
  path: string;
  /** Where to go on; from the beginning that the route defines if it is left out. */
  after?: string | undefined;
  onFrame(frame: Frame): void;
  /** It is connected, for the first time or again. What happened in between may have been missed if nothing has an id yet. */
  onLive?(again: boolean): void;
  onState?(state: StreamState): void;
  /** Whether it goes on though nobody looks at the page. */
  staysWhenHidden?(): boolean;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** How long to wait before an attempt: doubling, and between half and all of it. */
function pauseBefore(attempt: number, random = Math.random()): number {
  const whole = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  return whole * (0.5 + random / 2);
}

/** A connection that held so long was a good one. */
const STEADY_MS = 10_000;

type Outcome = "again" | "at-once" | "ended" | "refused";

/** What an answer without a stream means. */
function outcomeOf(status: number): Outcome {
  if (status === 204) return "ended";
  return status >= 500 || status === 429 || status === 408 ? "again" : "refused";
}

/** Opens a stream; the answer closes it. */
export function openStream(options: StreamOptions): () => void {
  const closed = new AbortController();
  let lastId = options.after;
  let wasLive = false;
  let attempt = 0;
  let connection: AbortController | undefined;
  const mustRest = () =>
    (document.visibilityState === "hidden" && !options.staysWhenHidden?.()) || !navigator.onLine;
  const tell = (state: StreamState) => !closed.signal.aborted && options.onState?.(state);

  async function connect(signal: AbortSignal): Promise<Outcome> {
    const headers = new Headers({ accept: "text/event-stream" });
    if (lastId !== undefined) headers.set("last-event-id", lastId);
    const response = await authorisedFetch(
      new Request(new URL(options.path, location.origin), { headers, signal }),
    );
    if (response.status !== 200 || !response.body) return outcomeOf(response.status);
    tell("live");
    options.onLive?.(wasLive);
    wasLive = true;
    return read(response.body);
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<Outcome> {
    const reader = body
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
      .getReader();
    const frames = parser();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "again";
      for (const frame of frames.push(value)) {
        if (closed.signal.aborted) return "ended";
        if (frame.id !== undefined) lastId = frame.id;
        // Its token has ended, or we were too slow: both are mended by coming again.
        if (frame.event === "stream.revoked" || frame.event === "stream.lagged") return "at-once";
        options.onFrame(frame);
      }
    }
  }

  async function run() {
    tell("connecting");
    while (!closed.signal.aborted) {
      if (mustRest()) {
        tell("resting");
        await until(() => !mustRest(), closed.signal);
        continue;
      }
      connection = new AbortController();
      const began = Date.now();
      const outcome = await connect(connection.signal).catch(outcomeOfFailure);
      // Whatever ended it, nothing of it is left open.
      connection.abort();
      connection = undefined;
      if (closed.signal.aborted) return;
      if (outcome === "ended" || outcome === "refused") return tell(outcome);
      if (Date.now() - began >= STEADY_MS) attempt = 0;
      if (mustRest()) continue;
      if (outcome === "at-once" && attempt === 0) {
        attempt = 1;
        continue;
      }
      tell("reconnecting");
      await pause(pauseBefore(attempt), closed.signal);
      attempt += 1;
    }
  }

  const rest = () => mustRest() && connection?.abort();
  document.addEventListener("visibilitychange", rest);
  window.addEventListener("offline", rest);
  // Another tab may have become the one that stays.
  window.addEventListener("storage", rest);
  void run();

  return () => {
    closed.abort();
    connection?.abort();
    document.removeEventListener("visibilitychange", rest);
    window.removeEventListener("offline", rest);
    window.removeEventListener("storage", rest);
  };
}

const outcomeOfFailure = (error: unknown): Outcome => (error instanceof SignInChanged ? "refused" : "again");

/** Waits until something that the page's visibility or network changes is so. */
function until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo() && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      window.removeEventListener("online", look);
      signal.removeEventListener("abort", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    window.addEventListener("online", look);
    signal.addEventListener("abort", look);
    look();
  });
}

/** Waits a while, or until somebody looks again, the network is back or the stream is closed. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", end);
      window.removeEventListener("online", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    document.addEventListener("visibilitychange", end);
    window.addEventListener("online", end);
    signal.addEventListener("abort", end);
  });
}
