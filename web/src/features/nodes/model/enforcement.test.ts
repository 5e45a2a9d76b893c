import { expect, test } from "vitest";
import { enforcementOf, mechanismName, refusalsOf } from "./enforcement";
import { gatewayOf, startCommand } from "./joining";

const driver = (name: string, level: string, gaps: unknown[] = []) => ({
  driver: name,
  level,
  mechanisms: ["seccomp"],
  gaps,
});
const node = (level: string, ...drivers: unknown[]) =>
  enforcementOf({ enforcement: { level, drivers, gaps: [] } as never });

test("what a node says is read, and what is not as expected is left out", () => {
  const read = node("partial", driver("namespaces", "partial", [{ code: "proc", detail: "no /proc" }, 7]), 4);
  expect(read).toEqual({
    level: "partial",
    drivers: [
      {
        name: "namespaces",
        level: "partial",
        mechanisms: ["seccomp"],
        gaps: [{ code: "proc", detail: "no /proc" }],
      },
    ],
  });
  expect(enforcementOf({ enforcement: null })).toEqual({ level: "unknown", drivers: [] });
  expect(node("perfect").level).toBe("unknown");
});

test("a node without a sandbox refuses skills and commands, and says nothing of single sandboxes", () => {
  const read = node("unavailable", driver("namespaces", "unavailable"), driver("files", "enforced"));
  expect(refusalsOf(read)).toEqual(["Skills and commands don't run here: there is no sandbox for them."]);
});

test("a gap refuses what policies require to be enforced", () => {
  const read = node("partial", driver("namespaces", "partial"), driver("files", "unavailable"));
  expect(refusalsOf(read)).toHaveLength(2);
  expect(refusalsOf(read)[1]).toContain("context.enforcement");
});

test("a node that enforces everything refuses only what asks for a sandbox that it lacks", () => {
  const docker = driver("docker", "unavailable");
  expect(refusalsOf(node("enforced", driver("namespaces", "enforced"), driver("files", "enforced")))).toEqual(
    [],
  );
  expect(
    refusalsOf(node("enforced", driver("namespaces", "enforced"), docker, driver("files", "enforced"))),
  ).toEqual(["Skills that ask for the “Sandbox in containers”."]);
});

test("mechanisms have plain words", () => {
  expect(mechanismName("no-network")).toBe("no network unless granted");
  expect(mechanismName("cgroup-v2-memory")).toBe("memory is limited");
  expect(mechanismName("something-new")).toBe("something-new");
});

test("a node connects to where the page came from, and never in the clear unsaid", () => {
  const at = (url: string) => gatewayOf(new URL(url));
  expect(at("https://chancery.example.com/x")).toEqual({
    url: "wss://chancery.example.com",
    isPlaintext: false,
  });
  expect(at("http://127.0.0.1:7300/")).toEqual({ url: "ws://127.0.0.1:7300", isPlaintext: false });
  expect(at("http://box:7300/").isPlaintext).toBe(true);
  expect(startCommand(at("http://box:7300/"))).toContain("--allow-plaintext");
  expect(startCommand(at("https://box/"))).not.toContain("plaintext");
});
