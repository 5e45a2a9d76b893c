import { expect, test } from "vitest";
import type { Profile } from "../api/providers";
import { firstCall } from "./calls";
import { emptyTarget, moved, readProfile, typedProfile } from "./profile";
import { freeName, scriptOf, stepsOf } from "./test";

const states = (provider: Parameters<typeof stepsOf>[0], code?: string) =>
  Object.fromEntries(stepsOf(provider, code).map((it) => [it.step, it.state]));

test("a failed test says which step failed, and that later ones were not tried", () => {
  const openai = { type: "openai", base_url: null } as const;
  expect(Object.values(states(openai))).toEqual(Array(7).fill("ok"));
  expect(states(openai, "EGRESS_TLS")).toEqual({
    setup: "ok",
    address: "ok",
    connect: "ok",
    tls: "bad",
    api: "unknown",
    key: "unknown",
    answer: "unknown",
  });
  expect(states(openai, "PROVIDER_KEY_REFUSED")).toMatchObject({ api: "ok", key: "bad", answer: "unknown" });
  // Whatever is not known is about the answer.
  expect(states(openai, "SOMETHING_NEW")).toMatchObject({ key: "ok", answer: "bad" });
  expect(states({ type: "openai_compatible", base_url: "http://127.0.0.1:1/v1" }).tls).toBeUndefined();
  expect(Object.keys(states({ type: "scripted" }))).toEqual(["setup", "answer"]);
});

test("secrets get names that are free", () => {
  expect(freeName("a", [])).toBe("a-key");
  expect(freeName("a", ["a-key", "a-key-2"])).toBe("a-key-3");
  expect(scriptOf('{"rules": []}')).toEqual({ rules: [] });
  expect([scriptOf("[]"), scriptOf("{"), scriptOf("1")]).toEqual([undefined, undefined, undefined]);
});

test("targets are moved within their list", () => {
  expect(moved(["a", "b", "c"], 2, -1)).toEqual(["a", "c", "b"]);
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"]);
  expect(moved(["a", "b"], 1, 1)).toEqual(["a", "b"]);
});

const profile: Profile = {
  id: "mdl_1",
  version: 3,
  name: "main",
  description: "",
  strategy: "weighted",
  targets: [{ provider_id: "prv_1", model: "m", weight: 3, capabilities: ["tools"], context_tokens: 9 }],
  params: { temperature: 0.2 },
  price: { input_usd_micros: 3_000_000, output_usd_micros: 15_000_000, cache_write_usd_micros: 7 },
  budget: { daily_usd_micros: 1_000_000 },
  created_at: "",
  updated_at: "",
};

test("a profile that is looked at and saved stays as it was", () => {
  const { body } = readProfile(typedProfile(profile));
  expect(body).toMatchObject({
    name: "main",
    strategy: "weighted",
    targets: profile.targets,
    params: { temperature: 0.2, top_p: null, max_output_tokens: null },
    price: profile.price,
    budget: { daily_usd_micros: 1_000_000, monthly_usd_micros: null },
  });
  expect(readProfile({ ...typedProfile(profile), limits: typedProfile().limits }).body?.budget).toBeNull();
});

test("what is wrong with a profile is said by the pointers of the server", () => {
  const typed = { ...typedProfile(), name: "a b", targets: [emptyTarget("prv_1")], temperature: "3" };
  expect(readProfile(typed).flaws.fields).toEqual({
    "/name": "name",
    "/targets/0/model": "empty",
    "/params/temperature": "share",
  });
  const half = { ...typedProfile(profile), output_price: "" };
  expect(readProfile(half).flaws.fields).toEqual({ "/price/input_usd_micros": "both" });
  const limits = { ...typedProfile(profile).limits, daily_usd_micros: "lots" };
  expect(readProfile({ ...typedProfile(profile), limits }).flaws.limits).toEqual({
    daily_usd_micros: "dollars",
  });
  expect(readProfile({ ...typedProfile(profile), targets: [] }).flaws.fields).toEqual({
    "/targets": "empty",
  });
});

test("first calls name this server and the model", () => {
  for (const client of ["curl", "openai", "anthropic"] as const) {
    const text = firstCall(client, "https://c.example", "main");
    expect(text).toContain("https://c.example/gateway/");
    expect(text).toMatch(/model"?[=:] ?"main"/);
  }
});
