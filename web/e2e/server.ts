/** A real server on a private data folder, for one worker of the tests. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const OWNER = { email: "owner@example.com", password: "a long enough passphrase" };

export type Call = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) => Promise<T>;

export interface SignedIn {
  access_token: string;
  user: { id: string };
  orgs: { id: string }[];
}

interface Who {
  token: string;
  org: string;
}

export interface Server {
  url: string;
  /** Asks the API as the owner of the demo's organisation. */
  call: Call;
  /** What the owner's sign-in answered with, while its token is good. */
  signedIn(): Promise<SignedIn>;
  /** Ends the process without a warning, and starts it again on the same data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** Asks the API of a server, as somebody in an organisation or as nobody. */
export function caller(url: string, whoIs?: Who | (() => Promise<Who>)): Call {
  return async <T>(method: string, path: string, body?: unknown) => {
    const headers: Record<string, string> = { "content-type": "application/json" };
    const who = typeof whoIs === "function" ? await whoIs() : whoIs;
    if (who) Object.assign(headers, { authorization: `Bearer ${who.token}`, "x-org-id": who.org });
    const answer = await fetch(url + path, {
      method,
      headers: { ...headers, ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as T;
  };
}

/** A database of its own on the Postgres that `CHANCERY_TEST_POSTGRES` names. */
function freshDatabase(): string {
  const server = process.env.CHANCERY_TEST_POSTGRES;
  if (!server) throw new Error("CHANCERY_TEST_POSTGRES is not set");
  const name = `web_${randomUUID().replaceAll("-", "")}`;
  execFileSync("psql", [server, "-qc", `CREATE DATABASE ${name}`]);
  return `${server.slice(0, server.lastIndexOf("/"))}/${name}`;
}

async function ready(url: string, process: ChildProcess, log: string) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && process.exitCode === null) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the server did not start: ${readFileSync(log, "utf8").slice(-2000)}`);
}

export async function startServer(options: { postgres?: boolean; place?: string } = {}): Promise<Server> {
  const binary = process.env.CHANCERY_BIN ?? join(import.meta.dirname, "../../target/debug/chancery");
  const folder = mkdtempSync(join(tmpdir(), `chancery-web-${options.place ?? "own"}-`));
  const url = `http://127.0.0.1:${await freePort()}`;
  const log = join(folder, "log");
  const output = openSync(log, "a");
  // Without what the tests are told: that is no setting of the product.
  const surroundings = Object.entries(process.env).filter(([name]) => !name.startsWith("CHANCERY_"));
  const environment = {
    ...Object.fromEntries(surroundings),
    XDG_CONFIG_HOME: folder,
    CHANCERY_OWNER_EMAIL: OWNER.email,
    CHANCERY_OWNER_PASSWORD: OWNER.password,
  };
  const command = ["up", "--data-dir", join(folder, "data"), "--listen", url.replace("http://", "")];
  if (options.postgres) command.push("--database-url", freshDatabase());
  const start = () => spawn(binary, command, { env: environment, stdio: ["ignore", output, output] });
  const ended = (process: ChildProcess) =>
    process.exitCode !== null ? Promise.resolve() : new Promise((resolve) => process.once("exit", resolve));

  let running = start();
  await ready(url, running, log);
  let last: { answer: Promise<SignedIn>; at: number } | undefined;
  const signedIn = () => {
    // A token is good for 15 minutes.
    if (!last || Date.now() - last.at > 10 * 60_000) {
      last = { answer: caller(url)<SignedIn>("POST", "/v1/auth/login", OWNER), at: Date.now() };
    }
    return last.answer;
  };
  const owner = async () => {
    const { access_token, orgs } = await signedIn();
    return { token: access_token, org: orgs[0]?.id ?? "" };
  };

  return {
    url,
    call: caller(url, owner),
    signedIn,
    async restart() {
      running.kill("SIGKILL");
      await ended(running);
      running = start();
      await ready(url, running, log);
    },
    async close() {
      running.kill("SIGTERM");
      await ended(running);
      closeSync(output);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
