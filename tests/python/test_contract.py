"""The public API as it is promised, operation by operation, from outside, on both databases.

Each answer is checked against the OpenAPI document as well, so the document is true.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

from contract import Caller, eventually
from installation import EMAIL, PASSWORD, Installation, surroundings

LIMITS_OFF = {"CHANCERY_RATE_LIMITS_AUTH_PER_MINUTE": "0", "CHANCERY_RATE_LIMITS_API_PER_MINUTE": "0"}
OVER = ("succeeded", "failed", "cancelled")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z")
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def fresh(name="n"):
    return f"{name}-{uuid.uuid4().hex[:12]}"


def is_id(text, prefix):
    """A prefixed UUID of version 7."""
    head, _, tail = text.partition("_")
    return head == prefix and uuid.UUID(tail).version == 7


def refresh_cookie(answer):
    (cookie,) = [it for it in answer.cookies if "chancery_refresh=" in it]
    return cookie


class Contract:
    postgres = False

    @classmethod
    def setUpClass(cls):
        cls.server = Installation(cls.postgres, LIMITS_OFF)
        cls.owner = Caller(cls.server, cls.server.token, cls.server.org)
        cls.nobody = Caller(cls.server)
        cls.await_node()
        agents = cls.owner.expect(200, "GET", "/v1/agents")["items"]
        cls.demo = next(it["id"] for it in agents if it["name"] == "demo")

    @classmethod
    def await_node(cls):
        """What policy says depends on what the node enforces, so it has to be there."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            nodes = cls.owner.expect(200, "GET", "/v1/nodes")["items"]
            if any(it["status"] == "connected" for it in nodes):
                return
            time.sleep(0.02)
        raise AssertionError(f"no node is connected: {nodes}")

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def register(self, **more):
        body = {"email": fresh("p") + "@example.com", "password": "another long passphrase", "name": "P", **more}
        made = self.nobody.expect(201, "POST", "/v1/auth/register", body)
        return Caller(self.server, made["access_token"], made["org"]["id"]), body, made

    def say(self, content, agent=None, caller=None, **more):
        caller = caller or self.owner
        session = caller.expect(201, "POST", "/v1/sessions", {"agent_ids": [agent or self.demo]})
        path = f"/v1/sessions/{session['id']}/messages"
        return caller.expect(202, "POST", path, {"content": content, **more})

    def done(self, content, *states):
        run = self.say(content)["run"]["id"]
        return self.owner.until(run, *(states or ("succeeded",)))

    def invoke(self, tool, arguments, **more):
        body = {"arguments": arguments, **more}
        run = self.owner.expect(202, "POST", f"/v1/tools/{tool}/invoke", body)
        return self.owner.until(run["id"], *OVER)

    def pending(self, run):
        waiting = self.owner.until(run, "waiting")
        self.assertEqual(waiting["waiting_for"], "approval")
        asked = self.owner.pages("/v1/approvals?status=pending", 200)
        return next(it for it in asked if it["run_id"] == run)

    def events(self, run):
        """What the record has of a run: of one that is over, all of it. It is sealed a moment later."""
        over = self.owner.expect(200, "GET", "/v1/runs/" + run)["state"] in OVER
        ends = {"run." + state for state in OVER}
        read = lambda: [it["event"] for it in self.owner.pages(f"/v1/runs/{run}/events", 200)]
        return eventually(read, lambda found: not over or ends & {it["kind"] for it in found})

    def event_of(self, run, kind):
        read = lambda: [it for it in self.events(run) if it["kind"] == kind]
        return eventually(read, bool)[0]


class Conventions(Contract):
    def test_ids_times_and_members(self):
        me = self.owner.expect(200, "GET", "/v1/me")
        self.assertTrue(is_id(me["user"]["id"], "usr"))
        run = self.done("noop")
        self.assertTrue(is_id(run["id"], "run") and is_id(run["session_id"], "ses") and is_id(run["agent_id"], "agt"))
        for member in ("created_at", "started_at", "ended_at"):
            self.assertRegex(run[member], TIME)
        for event in self.events(run["id"]):
            self.assertTrue(is_id(event["id"], "evt"), event)
            self.assertRegex(event["at"], TIME)

    def test_runs_of_one_agent(self):
        run = self.done("noop")
        of = lambda agent: self.owner.pages("/v1/runs?agent_id=" + agent, 200)
        self.assertIn(run["id"], [it["id"] for it in of(run["agent_id"])])
        self.assertEqual({it["agent_id"] for it in of(run["agent_id"])}, {run["agent_id"]})
        others = [it["id"] for it in self.owner.pages("/v1/agents", 200) if it["id"] != run["agent_id"]]
        self.assertTrue(others)
        for other in others:
            self.assertNotIn(run["id"], [it["id"] for it in of(other)])

    def test_who_may(self):
        stranger, _, _ = self.register()
        self.nobody.problem(401, "UNAUTHENTICATED", "GET", "/v1/runs")
        Caller(self.server, "chk_nobody").problem(401, "UNAUTHENTICATED", "GET", "/v1/runs")
        Caller(self.server, self.server.token).problem(422, "ORG_REQUIRED", "GET", "/v1/runs")
        # Another's organisation, one that is not, and one that is no id are the same.
        answers = [
            Caller(self.server, stranger.token, org).problem(404, "NOT_FOUND", "GET", "/v1/runs")
            for org in (self.server.org, "org_" + str(uuid.UUID(int=7 << 76)), "x")
        ]
        self.assertEqual({it["detail"] for it in answers}, {answers[0]["detail"]})
        key = Caller(self.server, self.server.key("viewer"))
        key.expect(200, "GET", "/v1/runs")
        key.problem(403, "FORBIDDEN", "POST", "/v1/sessions", {})

    def test_what_is_somebody_elses_is_missing(self):
        stranger, _, _ = self.register()
        run = self.done("noop")
        approval = self.pending(self.say("write notes/a.md: a")["run"]["id"])
        secret = self.owner.expect(201, "POST", "/v1/secrets", {"name": fresh(), "value": "long enough"})
        artifact = self.invoke("artifact.save", {"name": "a", "content": "a"})["result"]["artifact_ids"][0]
        paths = ["/v1/runs/" + run["id"], f"/v1/runs/{run['id']}/events", "/v1/sessions/" + run["session_id"]]
        paths += [f"/v1/sessions/{run['session_id']}/messages", f"/v1/sessions/{run['session_id']}/events"]
        paths += ["/v1/agents/" + self.demo, "/v1/approvals/" + approval["id"], "/v1/artifacts/" + artifact]
        paths += [f"/v1/artifacts/{artifact}/content", f"/v1/secrets/{secret['id']}/grants", "/v1/orgs/" + self.owner.org]
        for path in paths:
            with self.subTest(path):
                self.assertEqual(self.owner.open("GET", path, None, {})[1].status, 200)
                stranger.problem(404, "NOT_FOUND", "GET", path)
        stranger.problem(404, "NOT_FOUND", "POST", f"/v1/approvals/{approval['id']}/approve", {})
        stranger.problem(404, "NOT_FOUND", "POST", f"/v1/runs/{run['id']}/cancel")
        stranger.problem(404, "NOT_FOUND", "POST", f"/v1/runs/{run['id']}/replay", {})

    def test_bodies(self):
        self.owner.problem(415, "UNSUPPORTED_MEDIA_TYPE", "POST", "/v1/sessions", "{}", {"Content-Type": "text/plain"})
        json_type = {"Content-Type": "application/json"}
        large = b'"' + b"x" * (3 << 20) + b'"'
        for _ in range(5):
            self.owner.problem(413, "BODY_TOO_LARGE", "POST", "/v1/sessions", large, json_type)
            chunks = (large[at : at + 65536] for at in range(0, len(large), 65536))
            self.owner.problem(413, "BODY_TOO_LARGE", "POST", "/v1/sessions", chunks, json_type)
        for body in ("{", '{"title": 1}', '{"no_such_member": 1}', '{"title":"a","title":"b"}', "[]"):
            with self.subTest(body):
                flaws = self.owner.problem(422, "INVALID", "POST", "/v1/sessions", body, json_type)["errors"]
                self.assertTrue(flaws)
        wrong = self.owner.problem(422, "INVALID", "POST", "/v1/sessions", {"title": 1})
        self.assertEqual(wrong["errors"][0]["pointer"], "/title")
        self.owner.problem(404, "NOT_FOUND", "GET", "/v1/no-such-route")
        self.owner.problem(405, "METHOD_NOT_ALLOWED", "PUT", "/v1/me")

    def test_lists(self):
        names = {fresh("page") for _ in range(5)}
        for name in names:
            self.owner.expect(201, "POST", "/v1/sessions", {"title": name})
        for limit in (1, 2, 200):
            found = [it for it in self.owner.pages("/v1/sessions", limit)]
            self.assertEqual(len({it["id"] for it in found}), len(found))
            self.assertLessEqual(names, {it["title"] for it in found})
        for query in ("limit=0", "limit=201", "limit=x", "cursor=x", "no_such_filter=1"):
            with self.subTest(query):
                self.owner.problem(422, "INVALID", "GET", "/v1/sessions?" + query)
        lists = ["orgs", "members", "api-keys", "agents", "sessions", "runs", "approvals", "tools", "policies"]
        lists += ["secrets", "artifacts", "audit/events", "meta/event-kinds", "meta/roles", "agent/engines"]
        for name in lists:
            with self.subTest(name):
                self.assertEqual(set(self.owner.expect(200, "GET", "/v1/" + name)), {"items", "next_cursor"})
        self.owner.problem(422, "INVALID", "GET", "/v1/runs?state=lost")
        self.owner.problem(422, "INVALID", "GET", "/v1/runs?agent_id=lost")
        self.owner.problem(422, "INVALID", "GET", "/v1/approvals?status=lost")

    def test_idempotency(self):
        name = fresh("key")
        key = {"Idempotency-Key": fresh()}
        first = self.owner.send("POST", "/v1/sessions", {"title": name}, key)
        again = self.owner.send("POST", "/v1/sessions", {"title": name}, key)
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first.body, again.body)
        self.assertNotIn("idempotent-replay", first.headers)
        self.assertEqual(again.headers["idempotent-replay"], "true")
        self.owner.problem(422, "IDEMPOTENCY_MISMATCH", "POST", "/v1/sessions", {"title": "other"}, key)
        # Another route, and another principal, are other scopes.
        self.owner.expect(201, "POST", "/v1/agents", {"name": name}, key)
        other = Caller(self.server, self.server.key("member"))
        self.assertNotEqual(other.expect(201, "POST", "/v1/sessions", {"title": name}, key)["id"], first.body["id"])
        # What starts and what spends: the run and the answer are the same ones.
        run = self.owner.send("POST", "/v1/tools/noop/invoke", {"arguments": {}}, key)
        same = self.owner.send("POST", "/v1/tools/noop/invoke", {"arguments": {}}, key)
        self.assertEqual(run.body["id"], same.body["id"])
        path = f"/v1/sessions/{first.body['id']}/messages"
        self.owner.expect(200, "PATCH", "/v1/sessions/" + first.body["id"], {"agent_ids": [self.demo]})
        said = [self.owner.send("POST", path, {"content": "noop"}, key) for _ in range(2)]
        self.assertEqual(said[0].body["run"]["id"], said[1].body["run"]["id"])
        self.assertEqual(said[1].headers["idempotent-replay"], "true")

    def test_the_document_and_the_probes(self):
        document = self.nobody.expect(200, "GET", "/v1/openapi.json")
        self.assertTrue(document["openapi"].startswith("3.1"))
        page = self.nobody.send("GET", "/docs")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["content-type"])
        self.assertNotRegex(page.text, r"""(src|href)=["']?(https?:)?//""")
        for path in ("/livez", "/readyz"):
            self.assertEqual(self.nobody.send("GET", path).status, 200)

    def test_meta(self):
        limits = self.owner.expect(200, "GET", "/v1/meta/limits")
        self.assertEqual((limits["page_default"], limits["page_max"]), (50, 200))
        self.assertEqual(limits["access_token_ttl_s"], 900)
        kinds = self.owner.expect(200, "GET", "/v1/meta/event-kinds")["items"]
        promised = "session.created message.posted run.queued model.requested model.answered tool.intended"
        promised += " policy.decided approval.requested approval.granted capability.issued tool.executed"
        promised += " run.succeeded secret.rotated member.invited policy.published"
        self.assertLessEqual(set(promised.split()), set(kinds))
        roles = self.owner.expect(200, "GET", "/v1/meta/roles")["items"]
        self.assertEqual(sorted(roles), ["admin", "member", "owner", "viewer"])
        engines = self.owner.expect(200, "GET", "/v1/agent/engines")["items"]
        self.assertIn("builtin", [it["name"] for it in engines])
        self.nobody.problem(401, "UNAUTHENTICATED", "GET", "/v1/meta/limits")


class Identity(Contract):
    def test_register_login_refresh_logout(self):
        caller, body, made = self.register(org_name="The Firm")
        self.assertEqual((made["org"]["name"], made["org"]["role"], made["expires_in"]), ("The Firm", "owner", 900))
        self.nobody.problem(409, "EMAIL_TAKEN", "POST", "/v1/auth/register", body)
        short = {**body, "email": fresh() + "@example.com", "password": "short"}
        self.nobody.problem(422, "INVALID", "POST", "/v1/auth/register", short)
        credentials = {"email": body["email"], "password": body["password"]}
        wrong = {**credentials, "password": "not the passphrase"}
        unknown = {**credentials, "email": fresh() + "@example.com"}
        details = [
            self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/login", it)["detail"] for it in (wrong, unknown)
        ]
        self.assertEqual(details[0], details[1])
        login = self.nobody.send("POST", "/v1/auth/login", credentials)
        self.assertEqual(login.status, 200)
        cookie = refresh_cookie(login)
        for attribute in ("HttpOnly", "SameSite=Strict"):
            self.assertIn(attribute, cookie)
        self.assertNotIn("refresh_token", login.body)
        token = Caller(self.server, login.body["access_token"])
        self.assertEqual(token.expect(200, "GET", "/v1/me")["user"]["email"], body["email"])
        self.assertEqual(token.send("POST", "/v1/auth/logout").status, 204)
        token.problem(401, "UNAUTHENTICATED", "GET", "/v1/me")
        self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/refresh", None, {"Cookie": cookie.split(";")[0]})
        caller.expect(200, "GET", "/v1/me")

    def test_reuse_of_a_refresh_token_ends_the_family(self):
        _, body, _ = self.register()
        login = self.nobody.send("POST", "/v1/auth/login", {"email": body["email"], "password": body["password"]})
        first = refresh_cookie(login).split(";")[0]
        renewed = self.nobody.send("POST", "/v1/auth/refresh", None, {"Cookie": first})
        self.assertEqual(renewed.status, 200, renewed.text)
        second = refresh_cookie(renewed).split(";")[0]
        self.assertNotEqual(first, second)
        caller = Caller(self.server, renewed.body["access_token"])
        caller.expect(200, "GET", "/v1/me")
        for cookie in (first, second):
            self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/refresh", None, {"Cookie": cookie})
        caller.problem(401, "UNAUTHENTICATED", "GET", "/v1/me")
        self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/refresh")

    def mailed(self, address, prefix):
        mails = pathlib.Path(self.server.folder, "data", "outbox").glob("*.txt")
        texts = [it.read_text() for it in sorted(mails)]
        return [re.search(prefix + r"_[\w-]+", it).group() for it in texts if f"To: {address}\n" in it][-1]

    def test_a_forgotten_password(self):
        caller, body, _ = self.register()
        for address in (body["email"], fresh() + "@example.com"):
            self.assertEqual(self.nobody.send("POST", "/v1/auth/password/forgot", {"email": address}).status, 202)
        new = {"token": self.mailed(body["email"], "cpr"), "password": "an entirely new passphrase"}
        self.nobody.problem(422, "INVALID", "POST", "/v1/auth/password/reset", {**new, "password": "short"})
        self.assertEqual(self.nobody.send("POST", "/v1/auth/password/reset", new).status, 204)
        self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/password/reset", new)
        caller.problem(401, "UNAUTHENTICATED", "GET", "/v1/me")
        login = {"email": body["email"], "password": body["password"]}
        self.nobody.problem(401, "CREDENTIALS_REFUSED", "POST", "/v1/auth/login", login)
        self.nobody.expect(200, "POST", "/v1/auth/login", {**login, "password": new["password"]})

    def test_a_device_signs_in_as_in_rfc_8628(self):
        asked = self.nobody.expect(200, "POST", "/v1/auth/device", "client_id=a+tool&scope=", FORM)
        for member in ("device_code", "user_code", "verification_uri", "expires_in", "interval"):
            self.assertIn(member, asked)
        form = urllib.parse.urlencode({"grant_type": GRANT, "device_code": asked["device_code"], "client_id": "a tool"})
        pending = self.nobody.send("POST", "/v1/auth/device/token", form, FORM)
        self.assertEqual((pending.status, pending.body["error"]), (400, "authorization_pending"))
        hasty = self.nobody.send("POST", "/v1/auth/device/token", form, FORM)
        self.assertEqual((hasty.status, hasty.body["error"]), (400, "slow_down"))
        decision = {"user_code": asked["user_code"], "org_id": self.owner.org}
        named = self.owner.expect(200, "POST", "/v1/auth/device/approve", decision)
        self.assertEqual(named["client_name"], "a tool")
        let_in = self.nobody.expect(200, "POST", "/v1/auth/device/token", form, FORM)
        self.assertEqual(let_in["token_type"].lower(), "bearer")
        Caller(self.server, let_in["access_token"], self.owner.org).expect(200, "GET", "/v1/runs")
        self.nobody.expect(200, "POST", "/v1/auth/refresh", {"refresh_token": let_in["refresh_token"]})
        for body, error in ((form, "invalid_grant"), ("device_code=x&grant_type=password", "unsupported_grant_type")):
            self.assertEqual(self.nobody.send("POST", "/v1/auth/device/token", body, FORM).body["error"], error)
        refused = self.nobody.expect(200, "POST", "/v1/auth/device", {"client_name": "another"})
        decision = {"user_code": refused["user_code"], "decision": "deny"}
        self.owner.expect(200, "POST", "/v1/auth/device/approve", decision)
        body = {"grant_type": GRANT, "device_code": refused["device_code"]}
        denied = self.nobody.send("POST", "/v1/auth/device/token", body)
        self.assertEqual((denied.status, denied.body["error"]), (400, "access_denied"))

    def test_too_many_attempts(self):
        server = Installation(self.postgres, {"CHANCERY_RATE_LIMITS_AUTH_PER_MINUTE": "5"})
        try:
            caller = Caller(server)
            wrong = {"email": EMAIL, "password": "not the passphrase"}
            answers = [caller.send("POST", "/v1/auth/login", wrong) for _ in range(12)]
            statuses = [it.status for it in answers]
            self.assertEqual(sorted(set(statuses)), [401, 429])
            last = answers[-1]
            self.assertGreaterEqual(int(last.headers["retry-after"]), 1)
            self.assertTrue(last.body["retryable"])
            self.assertEqual(last.headers["content-type"].split(";")[0], "application/problem+json")
        finally:
            server.close()

    def test_the_cookie_under_https(self):
        server = Installation(self.postgres, {"CHANCERY_PUBLIC_URL": "https://chancery.example.com"})
        try:
            login = Caller(server).send("POST", "/v1/auth/login", {"email": EMAIL, "password": PASSWORD})
            cookie = refresh_cookie(login)
            self.assertTrue(cookie.startswith("__Host-"), cookie)
            self.assertIn("Secure", cookie)
            self.assertIn("Path=/;", cookie + ";")
            self.assertNotIn("Domain", cookie)
        finally:
            server.close()

    def test_orgs(self):
        owner, _, made = self.register()
        org = owner.expect(201, "POST", "/v1/orgs", {"name": "Second"})
        self.assertTrue(is_id(org["id"], "org"))
        self.assertEqual({it["id"] for it in owner.expect(200, "GET", "/v1/orgs")["items"]}, {made["org"]["id"], org["id"]})
        path = "/v1/orgs/" + org["id"]
        self.assertEqual(owner.expect(200, "PATCH", path, {"name": "Renamed"})["name"], "Renamed")
        self.assertEqual(owner.expect(200, "GET", path)["name"], "Renamed")
        owner.problem(422, "INVALID", "PATCH", path, {"name": ""})
        self.owner.problem(404, "NOT_FOUND", "DELETE", path)
        self.assertEqual(owner.send("DELETE", path).status, 204)
        owner.problem(404, "NOT_FOUND", "GET", path)

    def test_invitations_and_members(self):
        owner, _, made = self.register()
        guest, body, guests = self.register()
        guest.org = owner.org
        guest.problem(404, "NOT_FOUND", "GET", "/v1/members")
        invited = owner.expect(201, "POST", "/v1/invitations", {"email": body["email"], "role": "member"})
        owner.problem(422, "INVALID", "POST", "/v1/invitations", {"email": body["email"], "role": "king"})
        path = f"/v1/invitations/{invited['token']}/accept"
        owner.problem(404, "NOT_FOUND", "POST", "/v1/invitations/cin_nothing/accept")
        self.nobody.problem(401, "UNAUTHENTICATED", "POST", path)
        self.assertEqual(guest.expect(200, "POST", path)["id"], owner.org)
        guest.problem(404, "NOT_FOUND", "POST", path)
        self.assertEqual({it["role"] for it in owner.expect(200, "GET", "/v1/members")["items"]}, {"owner", "member"})
        guest.expect(201, "POST", "/v1/sessions", {})
        member = "/v1/members/" + guests["user"]["id"]
        guest.problem(403, "FORBIDDEN", "PATCH", member, {"role": "owner"})
        self.assertEqual(owner.expect(200, "PATCH", member, {"role": "viewer"})["role"], "viewer")
        guest.problem(403, "FORBIDDEN", "POST", "/v1/sessions", {})
        self.assertEqual(owner.send("DELETE", member).status, 204)
        guest.problem(404, "NOT_FOUND", "GET", "/v1/members")
        owner.problem(409, "LAST_OWNER", "DELETE", "/v1/members/" + made["user"]["id"])
        kinds = lambda: {it["event"]["kind"] for it in owner.expect(200, "GET", "/v1/audit/events")["items"]}
        eventually(kinds, {"member.invited", "member.joined", "member.updated", "member.removed"}.issubset)

    def test_api_keys(self):
        made = self.owner.expect(201, "POST", "/v1/api-keys", {"name": fresh(), "role": "member"})
        self.assertTrue(is_id(made["id"], "key") and made["key"].startswith("chk_"))
        # A key implies its organisation.
        caller = Caller(self.server, made["key"])
        caller.expect(201, "POST", "/v1/sessions", {})
        caller.problem(403, "FORBIDDEN", "POST", "/v1/secrets", {"name": fresh(), "value": "long enough"})
        stranger, _, _ = self.register()
        Caller(self.server, made["key"], stranger.org).problem(404, "NOT_FOUND", "GET", "/v1/runs")
        self.assertNotIn(made["key"], self.owner.send("GET", "/v1/api-keys?limit=200").text)
        self.assertEqual(self.owner.send("DELETE", "/v1/api-keys/" + made["id"]).status, 204)
        caller.problem(401, "UNAUTHENTICATED", "GET", "/v1/runs")
        self.owner.problem(404, "NOT_FOUND", "DELETE", "/v1/api-keys/" + made["id"])


class Work(Contract):
    def test_agents(self):
        whole = {"name": fresh(), "description": "d", "instructions": "i", "engine": "builtin", "planner": "rules"}
        whole |= {"tools": ["file.list", "noop"], "max_steps": 3, "budget_usd_micros": 1_000_000}
        agent = self.owner.expect(201, "POST", "/v1/agents", whole)
        self.assertEqual({name: agent[name] for name in whole}, whole)
        path = "/v1/agents/" + agent["id"]
        self.assertEqual(self.owner.expect(200, "GET", path), agent)
        self.owner.problem(409, "AGENT_NAME_TAKEN", "POST", "/v1/agents", whole)
        wrong = {"tools": ["no.such"], "engine": "magic", "planner": "dice", "max_steps": 0, "budget_usd_micros": -1}
        for member, value in wrong.items():
            with self.subTest(member):
                body = {**whole, "name": fresh(), member: value}
                flaws = self.owner.problem(422, "INVALID", "POST", "/v1/agents", body)["errors"]
                self.assertTrue(flaws[0]["pointer"].startswith("/" + member), flaws)
        self.assertEqual(self.owner.expect(200, "PATCH", path, {"description": "e"})["description"], "e")
        self.assertEqual(self.owner.expect(200, "POST", path + "/pause")["state"], "paused")
        session = self.owner.expect(201, "POST", "/v1/sessions", {"agent_ids": [agent["id"]]})
        messages = f"/v1/sessions/{session['id']}/messages"
        self.owner.problem(409, "AGENT_PAUSED", "POST", messages, {"content": "noop"})
        self.assertEqual(self.owner.expect(200, "POST", path + "/activate")["state"], "active")
        said = self.owner.expect(202, "POST", messages, {"content": "noop"})
        self.owner.until(said["run"]["id"], "succeeded")
        # A tool that it was not given, and more steps than it may take.
        for content in ("read notes/todo.md", "noop; noop; noop; noop"):
            said = self.owner.expect(202, "POST", messages, {"content": content})
            self.assertEqual(self.owner.until(said["run"]["id"], "failed")["failure"]["at"], "agent")
        self.assertEqual(self.owner.expect(200, "POST", path + "/retire")["state"], "retired")
        self.owner.problem(409, "AGENT_RETIRED", "POST", path + "/activate")
        self.assertEqual(self.owner.send("DELETE", path).status, 204)
        self.owner.problem(404, "NOT_FOUND", "GET", path)

    def test_sessions(self):
        body = {"title": "T", "labels": ["private"], "agent_ids": [self.demo]}
        session = self.owner.expect(201, "POST", "/v1/sessions", body)
        self.assertEqual({name: session[name] for name in body}, body)
        path = "/v1/sessions/" + session["id"]
        self.assertEqual(self.owner.expect(200, "GET", path), session)
        self.assertEqual(self.owner.expect(200, "PATCH", path, {"title": "U"})["title"], "U")
        missing = "agt_" + session["id"].removeprefix("ses_")
        self.owner.problem(422, "INVALID", "POST", "/v1/sessions", {"agent_ids": [missing]})
        said = self.owner.expect(202, "POST", path + "/messages", {"content": "noop"})
        self.assertEqual(set(said), {"message", "run", "runs", "steers"})
        self.assertEqual(said["runs"], [said["run"]])
        self.assertTrue(is_id(said["message"]["id"], "msg"))
        self.owner.until(said["run"]["id"], "succeeded")
        messages = self.owner.pages(path + "/messages", 1)
        self.assertEqual([it["author"]["kind"] for it in messages], ["user", "agent"])
        self.owner.problem(422, "INVALID", "POST", path + "/messages", {"content": ""})
        self.owner.problem(422, "INVALID", "POST", path + "/messages", {"content": "noop", "on_busy": "shout"})
        self.assertEqual(self.owner.expect(200, "POST", path + "/archive")["status"], "archived")
        self.owner.problem(409, "SESSION_ARCHIVED", "GET", path + "/messages")
        self.assertEqual(self.owner.expect(200, "GET", path)["archive"]["messages"], 2)
        self.assertEqual(self.owner.expect(200, "POST", path + "/restore")["status"], "active")
        self.assertEqual(self.owner.pages(path + "/messages", 1), messages)
        self.assertEqual(self.owner.expect(200, "PUT", path + "/hold", {"reason": "a case"})["reason"], "a case")
        self.owner.problem(409, "SESSION_HELD", "DELETE", path)
        self.assertEqual(self.owner.send("DELETE", path + "/hold").status, 204)
        guest, _, guests = self.register()
        me = self.owner.expect(200, "GET", "/v1/me")["user"]["id"]
        self.assertEqual([it["user_id"] for it in self.owner.expect(200, "GET", path + "/members")["items"]], [me])
        self.owner.problem(422, "INVALID", "POST", path + "/members", {"user_id": guests["user"]["id"]})
        member = f"{path}/members/{me}"
        self.assertEqual(self.owner.send("DELETE", member).status, 204)
        self.assertEqual(self.owner.expect(200, "GET", path + "/members")["items"], [])
        self.assertEqual(self.owner.send("POST", path + "/members", {"user_id": me}).status, 204)

    def test_several_agents_and_people(self):
        scribe = self.owner.expect(201, "POST", "/v1/agents", {"name": fresh("The Scribe"), "planner": "rules", "tools": ["noop"]})
        session = self.owner.expect(201, "POST", "/v1/sessions", {"agent_ids": [self.demo, scribe["id"]]})
        path = f"/v1/sessions/{session['id']}"
        handle = re.sub("[^a-z0-9]+", "-", scribe["name"].lower())
        said = self.owner.expect(202, "POST", path + "/messages", {"content": f"@{handle} @demo: noop"})
        self.assertEqual([it["agent_id"] for it in said["runs"]], [scribe["id"], self.demo])
        self.assertEqual(said["message"]["mentions"], [scribe["id"], self.demo])
        for run in said["runs"]:
            self.owner.until(run["id"], "succeeded")
        answers = self.owner.pages(path + "/messages", 50)[1:]
        self.assertEqual([it["reply_to"] for it in answers], [said["message"]["id"]] * 2)
        self.assertEqual([it["author"]["agent_id"] for it in answers], [scribe["id"], self.demo])
        # Whoever signed the owner up called them so; they made the session, and are a member of it.
        me = self.owner.expect(200, "GET", "/v1/me")["user"]
        alone = self.owner.expect(202, "POST", path + "/messages", {"content": f"@{me['name'].lower()} look at this"})
        self.assertEqual((alone["run"], alone["runs"], alone["message"]["run_id"]), (None, [], None))
        self.assertEqual(alone["message"]["mentions"], [me["id"]])

    def test_steering(self):
        said = self.say("wait 1h")
        path = f"/v1/sessions/{said['message']['session_id']}"
        run = self.owner.until(said["run"]["id"], "waiting")["id"]
        steered = self.owner.expect(202, "POST", path + "/steer", {"content": "noop"})
        self.assertEqual((steered["steers"], steered["run"]["id"], steered["runs"]), (True, run, []))
        self.owner.expect(200, "POST", f"/v1/runs/{run}/cancel")
        self.owner.until(run, "cancelled")
        # A plan is not steered: it is carried out, and then the message is answered.
        brief = self.owner.expect(202, "POST", path + "/messages", {"content": "wait 2s"})["run"]["id"]
        self.owner.until(brief, "waiting")
        steered = self.owner.expect(202, "POST", path + "/steer", {"content": "noop"})
        self.owner.until(brief, "succeeded")
        answered = None
        for frame in self.owner.stream(path + "/events"):
            data = frame.data or {}
            if frame.event == "message.posted" and data["data"].get("reply_to") == steered["message"]["id"]:
                answered = data
                break
        self.assertIsNotNone(answered)
        # Without a turn under way, it is a message.
        plain = self.owner.expect(202, "POST", path + "/steer", {"content": "noop"})
        self.assertEqual((plain["steers"], len(plain["runs"])), (False, 1))
        self.owner.problem(422, "INVALID", "POST", path + "/steer", {"content": ""})
        self.owner.problem(404, "NOT_FOUND", "POST", "/v1/sessions/x/steer", {"content": "noop"})

    def test_branches(self):
        said = self.say("noop")
        self.owner.until(said["run"]["id"], "succeeded")
        path = "/v1/sessions/" + said["message"]["session_id"]
        first, answer = self.owner.pages(path + "/messages", 1)
        self.assertEqual([first["parent_id"], answer["parent_id"]], [None, first["id"]])
        self.assertEqual([first["siblings"], answer["siblings"]], [1, 1])
        # An edit stands in the place of what it edits, and nothing is overwritten.
        edited = self.owner.expect(202, "POST", f"/v1/messages/{first['id']}/edit", {"content": "wait 1ms"})
        self.owner.until(edited["run"]["id"], "succeeded")
        self.assertEqual([it["content"] for it in self.owner.pages(path + "/messages", 1)][0], "wait 1ms")
        before = self.owner.pages(f"{path}/messages?through={answer['id']}", 1)
        self.assertEqual([it["id"] for it in before], [first["id"], answer["id"]])
        roots = self.owner.pages(f"{path}/messages?siblings_of={first['id']}", 1)
        self.assertEqual([(it["content"], it["siblings"]) for it in roots], [("noop", 2), ("wait 1ms", 2)])
        # Another answer to the same message.
        again = self.owner.expect(202, "POST", f"/v1/messages/{answer['id']}/regenerate")
        self.assertEqual((again["reply_to"], again["parent_id"]), (first["id"], first["id"]))
        self.owner.until(again["run"]["id"], "succeeded")
        answers = self.owner.pages(f"{path}/messages?siblings_of={answer['id']}", 50)
        self.assertEqual([it["run_id"] for it in answers], [answer["run_id"], again["run"]["id"]])
        self.assertEqual(len(self.owner.pages(path + "/messages?all=true", 2)), 5)
        session = self.owner.expect(200, "PUT", path + "/branch", {"message_id": answer["id"]})
        self.assertEqual((session["branches"], session["message_count"]), (3, 5))
        self.assertEqual([it["id"] for it in self.owner.pages(path + "/messages", 50)], [first["id"], answer["id"]])
        self.owner.problem(409, "MESSAGE_NO_ANSWER", "POST", f"/v1/messages/{first['id']}/regenerate", {})
        self.owner.problem(403, "NOT_THE_AUTHOR", "POST", f"/v1/messages/{answer['id']}/edit", {"content": "x"})
        self.owner.problem(404, "NOT_FOUND", "PUT", path + "/branch", {"message_id": "msg_" + said["run"]["id"][4:]})
        self.owner.problem(422, "INVALID", "GET", path + "/messages?all=true&through=" + first["id"])

    def test_reading_and_reacting(self):
        said = self.say("noop")
        self.owner.until(said["run"]["id"], "succeeded")
        path = "/v1/sessions/" + said["message"]["session_id"]
        me = self.owner.expect(200, "GET", "/v1/me")["user"]["id"]
        for position, kept in ((2, 2), (1, 2)):
            mark = self.owner.expect(200, "PUT", path + "/read", {"position": position})
            self.assertEqual((mark["user_id"], mark["position"]), (me, kept))
        self.assertEqual(self.owner.expect(200, "GET", path + "/read")["items"], [mark])
        self.owner.problem(422, "INVALID", "PUT", path + "/read", {"position": 3})
        reactions = f"/v1/messages/{said['message']['id']}/reactions/"
        thumb = reactions + urllib.parse.quote("\N{THUMBS UP SIGN}")
        for _ in range(2):
            self.assertEqual(self.owner.send("PUT", thumb).status, 204)
        first = self.owner.pages(path + "/messages", 50)[0]
        self.assertEqual(first["reactions"], [{"emoji": "\N{THUMBS UP SIGN}", "count": 1, "mine": True}])
        self.owner.problem(422, "INVALID", "PUT", reactions + "well-done")
        self.assertEqual(self.owner.send("DELETE", thumb).status, 204)
        self.owner.problem(404, "NOT_FOUND", "DELETE", thumb)
        # An event is in the record a moment after it happened.
        record = "/v1/audit/events?session_id=" + path.rsplit("/", 1)[1]
        read = lambda: [it["event"]["kind"] for it in self.owner.pages(record, 200)]
        kinds = eventually(read, lambda found: "reaction.removed" in found)
        self.assertEqual([it for it in kinds if it.startswith("reaction.")], ["reaction.added", "reaction.removed"])

    def test_searching(self):
        word, other = fresh("pear").replace("-", ""), fresh("plum").replace("-", "")
        sessions = [self.say(f"write notes/{word}.md: {other} {n}")["message"]["session_id"] for n in range(3)]
        path = f"/v1/search/messages?q={word.upper()}+{other}&session_id={sessions[0]}"
        found = self.owner.expect(200, "GET", path)
        self.assertEqual([it["message"]["session_id"] for it in found["items"]], sessions[:1])
        self.assertEqual((found["sessions_searched"], found["sessions_left_out"]), (1, 0))
        self.assertIn(word, found["items"][0]["excerpt"])
        page = self.owner.expect(200, "GET", f"/v1/search/messages?q={word}&limit=2")
        self.assertEqual([it["message"]["session_id"] for it in page["items"]], sessions[:0:-1])
        rest = self.owner.expect(200, "GET", f"/v1/search/messages?q={word}&limit=2&cursor={page['next_cursor']}")
        self.assertEqual([it["message"]["session_id"] for it in rest["items"]], sessions[:1])
        self.assertIsNone(rest["next_cursor"])
        self.assertGreaterEqual(page["sessions_searched"], 3)
        query = urllib.parse.urlencode({"q": f'"{other} 1"', "cursor": ""})
        exact = self.owner.expect(200, "GET", "/v1/search/messages?" + query)["items"]
        self.assertEqual([it["message"]["session_id"] for it in exact], [sessions[1]])
        stranger, _, _ = self.register()
        self.assertEqual(stranger.expect(200, "GET", "/v1/search/messages?q=" + word)["items"], [])
        stranger.problem(404, "NOT_FOUND", "GET", f"/v1/search/messages?q={word}&session_id={sessions[0]}")
        for question in ("", "?!", "x" * 257):
            query = urllib.parse.urlencode({"q": question})
            self.owner.problem(422, "INVALID", "GET", "/v1/search/messages?" + query)

    def test_on_busy_and_cancel(self):
        said = self.say("wait 1h")
        path = f"/v1/sessions/{said['message']['session_id']}/messages"
        first = self.owner.until(said["run"]["id"], "waiting")
        self.assertEqual(first["waiting_for"], "timer")
        self.owner.problem(409, "SESSION_BUSY", "POST", path, {"content": "noop", "on_busy": "reject"})
        queued = self.owner.expect(202, "POST", path, {"content": "wait 1h", "on_busy": "enqueue"})["run"]["id"]
        self.assertEqual(self.owner.expect(200, "GET", "/v1/runs/" + queued)["state"], "queued")
        self.owner.expect(200, "POST", f"/v1/runs/{first['id']}/cancel")
        self.assertNotIn("failure", self.owner.until(first["id"], "cancelled"))
        self.owner.until(queued, "waiting")
        last = self.owner.expect(202, "POST", path, {"content": "noop", "on_busy": "interrupt"})["run"]["id"]
        self.owner.until(queued, "cancelled")
        self.owner.until(last, "succeeded")
        # The end of what is over changes nothing.
        self.assertEqual(self.owner.expect(200, "POST", f"/v1/runs/{last}/cancel")["state"], "succeeded")
        for decision in ("repeat", "skip", "fail"):
            self.owner.problem(409, "NOTHING_TO_RESOLVE", "POST", f"/v1/runs/{last}/resolve", {"decision": decision})
        self.owner.problem(422, "INVALID", "POST", f"/v1/runs/{last}/resolve", {"decision": "guess"})

    def test_approvals(self):
        name = fresh("notes/") + ".md"
        run = self.say(f"write {name}: approved text")["run"]["id"]
        listed = self.pending(run)
        asked = self.owner.expect(200, "GET", "/v1/approvals/" + listed["id"])
        self.assertTrue(is_id(asked["id"], "apr"))
        self.assertEqual((asked["tool"], asked["arguments"]), ("file.write", {"path": name, "content": "approved text"}))
        self.assertEqual(asked["target"]["path"], name)
        self.assertRegex(asked["digest"], "^sha256:[0-9a-f]{64}$")
        self.assertEqual(asked["digest"], self.event_of(run, "tool.intended")["data"]["intent"])
        self.assertTrue(asked["reason"])
        self.assertGreater(asked["expires_at"], asked["created_at"])
        path = "/v1/approvals/" + asked["id"]
        viewer = Caller(self.server, self.server.key("viewer"))
        viewer.problem(403, "FORBIDDEN", "POST", path + "/approve", {})
        self.owner.problem(422, "INVALID", "POST", path + "/approve", {"scope": "for ever"})
        granted = self.owner.expect(200, "POST", path + "/approve", {"scope": "once", "comment": "fine"})
        self.assertEqual((granted["status"], granted["scope"], granted["comment"]), ("granted", "once", "fine"))
        self.owner.until(run, "succeeded")
        for answer in ("approve", "deny"):
            self.assertEqual(self.owner.send("POST", f"{path}/{answer}", {}).status, 409)
        # Once is once.
        again = self.say(f"write {name}: approved text")["run"]["id"]
        second = self.pending(again)
        denied = self.owner.expect(200, "POST", f"/v1/approvals/{second['id']}/deny", {"comment": "no"})
        self.assertEqual(denied["status"], "denied")
        self.assertEqual(self.owner.until(again, "failed")["failure"]["code"], "STEP_FAILED")
        kinds = [it["kind"] for it in self.events(again)]
        self.assertIn("approval.denied", kinds)
        self.assertNotIn("tool.executed", kinds)

    def test_scopes_of_approvals(self):
        name = fresh("notes/") + ".md"
        run = self.say(f"write {name}: a; write {name}: b")["run"]["id"]
        first = self.pending(run)
        self.owner.expect(200, "POST", f"/v1/approvals/{first['id']}/approve", {"scope": "run"})
        self.owner.until(run, "succeeded")
        asked = self.pending(self.say(f"write {name}: c")["run"]["id"])
        self.assertIn(name, asked["standing_would_allow"])
        self.owner.expect(200, "POST", f"/v1/approvals/{asked['id']}/approve", {"scope": "standing"})
        self.owner.until(asked["run_id"], "succeeded")
        self.done(f"write {name}: d")

    def test_tools(self):
        tools = {it["name"]: it for it in self.owner.expect(200, "GET", "/v1/tools")["items"]}
        promised = "file.list file.read file.write file.edit file.search http.fetch shell.exec skill.run artifact.save agent.call"
        self.assertLessEqual(set(promised.split()), set(tools))
        for tool in tools.values():
            self.assertLessEqual({"name", "schema", "effects", "idempotent", "needs"}, set(tool))
            self.assertEqual(tool["schema"]["type"], "object")
        run = self.invoke("file.read", {"path": "notes/todo.md", "offset": 2, "limit": 5}, workspace="demo")
        self.assertEqual(run["state"], "succeeded")
        self.assertEqual(set(run["result"]), {"ok", "output", "truncated", "artifact_ids", "duration_ms"})
        self.assertEqual((run["result"]["ok"], run["result"]["output"]), (True, "To do"))
        kinds = [it["kind"] for it in self.events(run["id"])]
        road = ["tool.intended", "policy.decided", "capability.issued", "tool.executed", "run.succeeded"]
        self.assertEqual([it for it in kinds if it in road], road)
        session = self.owner.expect(201, "POST", "/v1/sessions", {})
        run = self.invoke("noop", {}, session_id=session["id"])
        self.assertEqual(run["session_id"], session["id"])
        self.owner.problem(404, "NOT_FOUND", "POST", "/v1/tools/no.such/invoke", {"arguments": {}})

    def test_results_that_are_no_good(self):
        refused = {
            "POLICY_DENIED": [("shell.exec", {"command": "id"}), ("file.read", {"path": "secrets/key"})],
            "ARGUMENTS_INVALID": [
                ("file.read", {}),
                ("file.read", {"path": 5}),
                ("file.read", {"path": "a", "colour": "red"}),
                ("file.read", {"path": "../../etc/passwd"}),
                ("file.read", {"path": "/etc/passwd"}),
                ("http.fetch", {"url": "file:///etc/passwd"}),
                ("artifact.save", {"name": "both", "content": "a", "path": "b"}),
            ],
            "SKILL_NOT_FOUND": [("skill.run", {"name": "no-such-skill"})],
            "NOT_FOUND": [("file.read", {"path": "no/such/file"})],
        }
        for code, calls in refused.items():
            for tool, arguments in calls:
                with self.subTest(f"{tool} {arguments}"):
                    run = self.invoke(tool, arguments)
                    self.assertEqual(run["state"], "failed")
                    self.assertEqual(set(run["failure"]), {"code", "message", "retryable", "at"})
                    self.assertEqual((run["failure"]["code"], run["failure"]["at"]), (code, "tool"))
                    self.assertEqual(set(run["result"]), {"ok", "error"})
                    self.assertFalse(run["result"]["ok"])
                    self.assertLessEqual({"code", "message", "retryable"}, set(run["result"]["error"]))
                    report = self.owner.expect(200, "POST", f"/v1/runs/{run['id']}/replay", {})
                    self.assertTrue(report["identical"], report)

    def test_http_tools(self):
        name = fresh("status")
        secret = self.owner.expect(201, "POST", "/v1/secrets", {"name": fresh("token"), "value": "value-of-the-token"})
        with one_page() as port:
            path = "/v1/tools/http/" + name
            schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
            draft = {"description": "d", "method": "GET", "url_template": f"http://127.0.0.1:{port}/a/{{id}}", "schema": schema}
            draft["headers"] = [{"name": "Authorization", "value": "Bearer ", "secret": secret["name"]}]
            made = self.owner.expect(201, "POST", path, draft)
            self.assertEqual((made["name"], made["version"]), (name, 1))
            self.owner.problem(409, "TOOL_NAME_TAKEN", "POST", path, draft)
            changed = self.owner.expect(200, "PATCH", path, {"description": "e"})
            self.assertEqual((changed["description"], changed["version"], changed["schema"]), ("e", 2, schema))
            self.owner.problem(422, "INVALID", "PATCH", path, {"method": "SING"})
            self.owner.expect(200, "PUT", f"/v1/secrets/{secret['id']}/grants", {"tools": [name], "agents": []})
            run = self.owner.expect(202, "POST", f"/v1/tools/{name}/invoke", {"arguments": {"id": "7"}})["id"]
            asked = self.pending(run)
            self.owner.expect(200, "POST", f"/v1/approvals/{asked['id']}/approve", {})
            got = self.owner.until(run, "succeeded")
            self.assertIn("/a/7", json.dumps(got["result"]["output"]))
            self.assertNotIn("value-of-the-token", json.dumps(got))
            self.assertIn("secret.used", [it["kind"] for it in self.events(run)])
            wrong = self.invoke(name, {"id": 7})
            self.assertEqual(wrong["failure"]["code"], "ARGUMENTS_INVALID")
        self.assertEqual(self.owner.send("DELETE", path).status, 204)
        self.owner.problem(404, "NOT_FOUND", "PATCH", path, {"description": "f"})
        self.owner.problem(404, "NOT_FOUND", "POST", f"/v1/tools/{name}/invoke", {"arguments": {}})

    def test_secrets(self):
        name, value = fresh("secret"), "the value " + fresh()
        made = self.owner.send("POST", "/v1/secrets", {"name": name, "value": value})
        self.assertEqual((made.status, made.body["version"]), (201, 1))
        path = "/v1/secrets/" + made.body["id"]
        self.assertTrue(is_id(made.body["id"], "sec"))
        self.owner.problem(409, "SECRET_NAME_TAKEN", "POST", "/v1/secrets", {"name": name, "value": value})
        new = self.owner.send("PUT", path, {"value": value + "2"})
        self.assertEqual(new.body["version"], 2)
        grants = {"agents": [self.demo], "tools": ["a.tool"]}
        answers = [made, new, self.owner.send("PUT", path + "/grants", grants)]
        self.assertEqual(self.owner.expect(200, "GET", path + "/grants"), grants)
        answers.append(self.owner.send("GET", "/v1/secrets"))
        answers.append(self.owner.send("GET", "/v1/audit/events?limit=200&kind=secret.rotated"))
        answers.append(self.owner.send("POST", "/v1/secrets", {"name": "", "value": value}))
        for answer in answers:
            self.assertNotIn(value, answer.text)
        member = Caller(self.server, self.server.key("member"))
        member.problem(403, "FORBIDDEN", "PUT", path, {"value": "something else"})
        self.assertEqual(self.owner.send("DELETE", path).status, 204)
        self.owner.problem(404, "NOT_FOUND", "PUT", path, {"value": "something else"})

    def test_artifacts(self):
        saved = self.done("save artifact kept.md from notes/todo.md")
        (artifact,) = self.owner.expect(200, "GET", "/v1/artifacts?run_id=" + saved["id"])["items"]
        self.assertTrue(is_id(artifact["id"], "art"))
        by_session = self.owner.expect(200, "GET", "/v1/artifacts?session_id=" + saved["session_id"])["items"]
        self.assertEqual([it["id"] for it in by_session], [artifact["id"]])
        path = "/v1/artifacts/" + artifact["id"]
        self.assertEqual(self.owner.expect(200, "GET", path), artifact)
        content = self.owner.send("GET", path + "/content")
        self.assertEqual(len(content.text.encode()), artifact["size_bytes"])
        read = self.invoke("file.read", {"path": "notes/todo.md"}, workspace="demo")
        self.assertEqual(content.text, read["result"]["output"])
        self.nobody.problem(401, "UNAUTHENTICATED", "GET", path + "/content")


@contextlib.contextmanager
def one_page():
    """A server on this machine that answers with the path that it was asked for."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"path": self.path, "authorization": self.headers["Authorization"]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Planner(Contract):
    def test_the_command_language(self):
        with one_page() as port:
            named = self.owner.expect(200, "GET", "/v1/agents/" + self.demo)["name"]
            cedar = 'permit (principal, action in [Chancery::Action::"agent.call", Chancery::Action::"process.exec"], resource);'
            cedar += 'permit (principal, action == Chancery::Action::"http.fetch", resource in Chancery::Host::"127.0.0.1");'
            cedar += 'permit (principal, action == Chancery::Action::"file.write", resource);'
            self.owner.expect(200, "PUT", "/v1/policies/planner", {"cedar": cedar, "comment": "for this test"})
            asking = self.owner.expect(200, "GET", "/v1/policies")["items"]
            demo = next(it for it in asking if it["name"] == "demo")
            plain = re.sub(r"@require_approval\([^)]*\)", "", demo["cedar"])
            self.owner.expect(200, "PUT", "/v1/policies/demo", {"cedar": plain, "comment": "asks nobody"})
            try:
                steps = {
                    "list": "README.md",
                    "list notes": "todo.md",
                    "read notes/todo.md": "To do this week",
                    "write out/a.txt: one: two": "out/a.txt",
                    "read out/a.txt": "one: two",
                    "search delivery in notes": "notes/todo.md",
                    f"fetch http://127.0.0.1:{port}/page": "/page",
                    "run skill word-count on notes/todo.md": "words",
                    "save artifact a.txt from out/a.txt": "a.txt",
                    f"call agent {named}: list notes": "todo.md",
                    "shell: echo from-the-shell": "from-the-shell",
                    "wait 20ms": "",
                }
                for parting in ("; ", "\n"):
                    answer = self.done(parting.join(steps))["answer"]
                    for number, (step, gave) in enumerate(steps.items(), 1):
                        with self.subTest(step):
                            part = answer.split(f"{number}. `{step}`", 1)[1].split(f"\n{number + 1}. `", 1)[0]
                            self.assertIn(gave, part)
            finally:
                self.owner.expect(200, "PUT", "/v1/policies/demo", {"cedar": demo["cedar"], "comment": "as before"})
                self.assertEqual(self.owner.send("DELETE", "/v1/policies/planner").status, 204)

    def test_what_is_not_understood_is_named_and_nothing_is_done(self):
        name = fresh("notes/never") + ".md"
        for step in ("dance a waltz", "wait 10 bananas", "write without-a-colon", "save artifact x", "read"):
            with self.subTest(step):
                run = self.done(f"list; write {name}: x; {step}", "failed")
                failure = run["failure"]
                self.assertEqual((failure["code"], failure["at"]), ("PLAN_NOT_UNDERSTOOD", "agent"))
                self.assertIn(step, failure["message"])
                self.assertNotIn("tool.intended", [it["kind"] for it in self.events(run["id"])])

    def test_a_step_that_fails_does_not_end_the_others(self):
        run = self.done("read no/such/file; read ../outside; run skill no-such-skill; list notes", "failed")
        self.assertEqual((run["failure"]["code"], run["failure"]["at"]), ("STEP_FAILED", "tool"))
        self.assertIn("no/such/file", run["failure"]["message"])
        kinds = [it["kind"] for it in self.events(run["id"])]
        self.assertEqual((kinds.count("tool.failed"), kinds.count("tool.executed")), (3, 1))
        last = self.owner.expect(200, "GET", f"/v1/sessions/{run['session_id']}/messages")["items"][-1]
        self.assertTrue(last["failed"])

    def test_a_planner_that_is_not_there_says_so(self):
        agent = self.owner.expect(201, "POST", "/v1/agents", {"name": fresh(), "planner": "model"})
        (only,) = self.owner.expect(200, "GET", "/v1/model-profiles")["items"]
        self.owner.until(self.say("hello", agent["id"])["run"]["id"], "succeeded")
        # Among two, nobody guesses; unless one of them is called `default`.
        profile = {"name": fresh("m"), "targets": only["targets"]}
        other = self.owner.expect(201, "POST", "/v1/model-profiles", profile)
        failed = self.owner.until(self.say("hello", agent["id"])["run"]["id"], "failed")
        self.assertEqual(failed["failure"]["code"], "NO_MODEL")
        path = "/v1/model-profiles/" + other["id"]
        self.owner.expect(200, "PATCH", path, {"name": "default"})
        self.owner.until(self.say("hello", agent["id"])["run"]["id"], "succeeded")
        self.assertEqual(self.owner.send("DELETE", path).status, 204)


class Streams(Contract):
    def test_a_run_as_a_stream_and_as_json(self):
        run = self.say("list; wait 300ms; list notes")["run"]["id"]
        path = f"/v1/runs/{run}/events"
        frames = [it for it in self.owner.stream(path) if it.event]
        self.assertEqual(frames[0].event, "run.queued")
        self.assertEqual(frames[-1].event, "run.succeeded")
        for frame in frames:
            self.assertEqual((frame.id, frame.event), (str(frame.data["seq"]), frame.data["kind"]))
            self.assertEqual(frame.data["run"], run)
        seqs = [int(it.id) for it in frames]
        self.assertEqual(seqs, sorted(set(seqs)))
        listed = [it["event"] for it in self.owner.pages(path, 3)]
        self.assertEqual([it.data for it in frames], listed[: len(frames)])
        middle = frames[3].id
        rest = [it.id for it in frames[4:]]
        for again in (self.owner.stream(path + "?after=" + middle), self.owner.stream(path, {"Last-Event-ID": middle})):
            self.assertEqual([it.id for it in again if it.event], rest)
        # Whoever has seen the end is told that there is no more, instead of waiting for ever.
        last = {"Accept": "text/event-stream", "Last-Event-ID": frames[-1].id}
        self.assertEqual(self.owner.open("GET", path, None, last)[1].status, 204)
        after = self.owner.expect(200, "GET", path + "?limit=200&after=" + middle)["items"]
        self.assertEqual([str(it["seq"]) for it in after][: len(rest)], rest)
        self.owner.problem(422, "INVALID", "GET", path + "?after=x", None, {"Accept": "text/event-stream"})
        self.owner.problem(404, "NOT_FOUND", "GET", "/v1/runs/run_x/events", None, {"Accept": "text/event-stream"})

    def test_a_run_by_its_steps(self):
        run = self.say("list notes; write notes/steps.md: x; read .env")["run"]["id"]
        waiting = self.owner.until(run, "waiting")
        path = f"/v1/runs/{run}/steps"
        first, second = self.owner.pages(path, 1)
        self.assertEqual((first["step"], first["tool"], first["state"]), (1, "file.list", "succeeded"))
        self.assertEqual(first["decision"]["verdict"], "allow")
        self.assertEqual((first["attempts"], first["result"]["ok"]), (1, True))
        self.assertTrue(first["node_id"].startswith("nod_"))
        self.assertEqual((second["state"], second["ended_at"], second["result"]), ("asked", None, None))
        self.assertEqual(second["arguments"], {"path": "notes/steps.md", "content": "x"})
        approval = waiting["waiting"]["approval"]
        self.assertEqual(second["approval"]["approval"], approval)
        self.owner.expect(200, "POST", f"/v1/approvals/{approval}/deny", {"comment": "not this one"})
        self.owner.until(run, "failed")
        states = [(it["tool"], it["state"]) for it in self.owner.pages(path, 50)]
        self.assertEqual(states, [("file.list", "succeeded"), ("file.write", "denied"), ("file.read", "denied")])
        whole = self.owner.expect(200, "GET", path + "/2")
        self.assertFalse(whole["result"]["ok"])
        self.assertEqual(whole["attempts"], 0)
        self.owner.problem(404, "NOT_FOUND", "GET", path + "/4")
        self.owner.problem(404, "NOT_FOUND", "GET", "/v1/runs/run_x/steps")

    def test_the_record_as_a_stream_that_begins_now_or_where_it_is_told_to(self):
        path = "/v1/audit/events"
        newest = self.owner.expect(200, "GET", "/v1/audit/checkpoint")["size"]
        connection, live = self.owner.open("GET", path, None, {"Accept": "text/event-stream"})
        # It was open before there was anything to tell.
        run = self.say("noop")["run"]["id"]
        line = next(line for line in iter(live.readline, b"") if line.startswith(b"data: "))
        event = json.loads(line.removeprefix(b"data: "))
        connection.close()
        self.assertGreater(event["seq"], newest)
        queued = next(it for it in self.owner.stream(f"{path}?kind=run.queued&after={newest}") if it.event)
        self.assertEqual((queued.event, queued.data["run"]), ("run.queued", run))
        first = next(it for it in self.owner.stream(path + "?after=0") if it.event)
        self.assertEqual(first.id, "1")
        listed = self.owner.expect(200, "GET", f"{path}?after={event['seq'] - 1}&limit=1")["items"]
        self.assertEqual([it["event"] for it in listed], [event])

    def test_a_session_as_a_stream(self):
        said = self.say("list")
        path = f"/v1/sessions/{said['message']['session_id']}/events"
        seen = []
        stream = self.owner.stream(path)
        for frame in stream:
            seen.append(frame)
            if frame.event == "run.succeeded":
                break
        kinds = [it.event for it in seen]
        for kind in ("session.created", "message.posted", "run.queued", "tool.executed", "run.succeeded"):
            self.assertIn(kind, kinds)
        # It goes on: what happens later arrives on the same stream.
        self.owner.expect(202, "POST", path.replace("events", "messages"), {"content": "noop"})
        self.assertIn("message.posted", [next(stream).event for _ in range(2)])
        stream.close()
        resumed = self.owner.stream(path, {"Last-Event-ID": seen[-1].id})
        self.assertGreater(int(next(resumed).id), int(seen[-1].id))
        resumed.close()
        self.nobody.problem(401, "UNAUTHENTICATED", "GET", path)

    def test_what_is_live_has_no_id(self):
        session = self.owner.expect(201, "POST", "/v1/sessions", {"agent_ids": [self.demo]})["id"]
        me = self.owner.expect(200, "GET", "/v1/me")["user"]["id"]
        frames = (it for it in self.owner.stream(f"/v1/sessions/{session}/events") if it.comment is None)
        here = next(it for it in frames if it.id is None)
        self.assertEqual((here.id, here.event), (None, "presence"))
        self.assertEqual(here.data, {"present": [me], "gone": [], "reset": True})
        self.assertEqual(self.owner.send("POST", f"/v1/sessions/{session}/typing").status, 204)
        typing = next(it for it in frames if it.id is None)
        self.assertEqual((typing.id, typing.event, typing.data), (None, "typing", {"user_id": me}))
        self.owner.expect(200, "PUT", f"/v1/sessions/{session}/read", {"position": 0})
        read = next(it for it in frames if it.id is None)
        self.assertEqual((read.id, read.event, read.data), (None, "read", {"user_id": me, "position": 0}))
        frames.close()

    def test_a_silent_stream_beats(self):
        run = self.say("wait 1h")["run"]["id"]
        self.owner.until(run, "waiting")
        begun = time.monotonic()
        beat = next(it for it in self.owner.stream(f"/v1/runs/{run}/events") if it.comment is not None)
        self.assertIsNone(beat.id)
        self.assertLess(time.monotonic() - begun, 25)
        self.owner.expect(200, "POST", f"/v1/runs/{run}/cancel")


class Policies(Contract):
    def test_publish_and_delete(self):
        name = fresh("p")
        body = {"cedar": 'permit (principal, action == Chancery::Action::"noop", resource);', "comment": "first"}
        self.assertEqual(self.owner.expect(200, "PUT", "/v1/policies/" + name, body)["version"], 1)
        again = self.owner.expect(200, "PUT", "/v1/policies/" + name, {**body, "comment": "second"})
        self.assertEqual((again["version"], again["comment"]), (2, "second"))
        listed = {it["name"]: it for it in self.owner.expect(200, "GET", "/v1/policies")["items"]}
        self.assertTrue(is_id(listed[name]["id"], "pol"))
        unknown = "permit (principal, action, resource) when { context.colour == 1 };"
        for cedar in ("permit (", body["cedar"].replace("noop", "fly"), unknown):
            flaws = self.owner.problem(422, "INVALID", "PUT", "/v1/policies/" + name, {"cedar": cedar, "comment": ""})["errors"]
            self.assertEqual(flaws[0]["pointer"], "/cedar")
        member = Caller(self.server, self.server.key("member"))
        member.problem(403, "FORBIDDEN", "PUT", "/v1/policies/" + name, body)
        self.assertEqual(self.owner.send("DELETE", "/v1/policies/" + name).status, 204)
        self.owner.problem(404, "NOT_FOUND", "DELETE", "/v1/policies/" + name)
        self.assertIn("namespace Chancery", self.owner.expect(200, "GET", "/v1/policies/schema")["cedarschema"])

    def check(self, tool, arguments, **more):
        return self.owner.expect(200, "POST", "/v1/policies/check", {"intent": {"tool": tool, "arguments": arguments, **more}})

    def test_check(self):
        allowed = self.check("file.read", {"path": "notes/todo.md"})
        self.assertEqual((allowed["decision"], allowed["determining"]), ("allow", ["demo#read-files"]))
        asked = self.check("file.write", {"path": "notes/a.md", "content": "x"})
        self.assertEqual((asked["decision"], asked["determining"]), ("require_approval", ["demo#write-notes"]))
        self.assertTrue(asked["reason"])
        forbidden = self.check("file.read", {"path": ".git/config"})
        self.assertEqual((forbidden["decision"], forbidden["determining"]), ("deny", ["demo#keep-out"]))
        denied = self.check("file.write", {"path": "src/a.md", "content": "x"})
        self.assertEqual((denied["decision"], denied["determining"]), ("deny", []))
        # The suggested rule flips that decision, and not its neighbour's.
        self.owner.expect(200, "PUT", "/v1/policies/fix", {"cedar": denied["suggested_fix"], "comment": "as suggested"})
        try:
            self.assertEqual(self.check("file.write", {"path": "src/a.md", "content": "x"})["decision"], "allow")
            self.assertEqual(self.check("file.write", {"path": "src/b.md", "content": "x"})["decision"], "deny")
        finally:
            self.owner.send("DELETE", "/v1/policies/fix")
        self.owner.problem(422, "INVALID", "POST", "/v1/policies/check", {"intent": {"tool": "no.such", "arguments": {}}})
        self.owner.problem(422, "INVALID", "POST", "/v1/policies/check", {})

    def test_simulate(self):
        run = self.done("list notes")["id"]
        stricter = {"policies": [{"name": "demo", "cedar": "forbid (principal, action, resource);"}]}
        report = self.owner.expect(200, "POST", "/v1/policies/simulate", stricter)
        flip = next(it for it in report["flips"] if it["run_id"] == run)
        self.assertEqual((flip["recorded"], flip["simulated"], flip["tool"]), ("allow", "deny", "file.list"))
        past = {**stricter, "from": "2001-01-01T00:00:00Z", "to": "2001-01-02T00:00:00Z"}
        self.assertEqual(self.owner.expect(200, "POST", "/v1/policies/simulate", past)["flips"], [])
        self.owner.problem(422, "INVALID", "POST", "/v1/policies/simulate", {"policies": [{"name": "x", "cedar": "no"}]})


class Record(Contract):
    def test_replay(self):
        run = self.done("read notes/todo.md; list notes")["id"]
        path = f"/v1/runs/{run}/replay"
        same = self.owner.expect(200, "POST", path, {})
        self.assertEqual((same["identical"], same["outside_effects"]), (True, 0))
        self.assertEqual(same["recorded_digest"], same["replayed_digest"])
        stricter = [{"name": "demo", "cedar": "forbid (principal, action, resource);"}]
        other = self.owner.expect(200, "POST", path, {"changes": {"policies": stricter}})
        self.assertEqual((other["identical"], other["first_divergence"]["kind"]), (False, "policy.decided"))
        first = other["first_divergence"]["run_seq"]
        later = self.owner.expect(200, "POST", path, {"changes": {"policies": stricter}, "from_seq": first + 1})
        self.assertGreater(later["first_divergence"]["run_seq"], first)
        result = {"1": {"ok": True, "output": "other text"}}
        changed = self.owner.expect(200, "POST", path, {"changes": {"tool_results": result}})
        self.assertEqual(changed["first_divergence"]["kind"], "run.succeeded")
        self.owner.expect(200, "POST", path, {"changes": {"instructions": "be brief"}})
        self.owner.problem(422, "INVALID", "POST", path, {"changes": {"colour": "red"}})
        self.assertEqual(self.owner.expect(200, "GET", "/v1/runs/" + run)["entries"], same["entries"])

    def test_events_by_every_filter(self):
        run = self.done("read notes/todo.md")
        me = self.owner.expect(200, "GET", "/v1/me")["user"]["id"]
        event = self.event_of(run["id"], "tool.intended")
        filters = {"session_id": run["session_id"], "run_id": run["id"], "tool": "file.read", "kind": "tool.intended"}
        filters |= {"actor": me, "from": event["at"]}
        narrow = "/v1/audit/events?" + urllib.parse.urlencode(filters)
        self.assertEqual([it["event"]["id"] for it in self.owner.pages(narrow, 200)], [event["id"]])
        others = {"session_id": "ses_" + str(uuid.uuid4()), "tool": "http.fetch", "kind": "run.failed", "actor": "usr_x"}
        others |= {"to": event["at"], "from": "2101-01-01T00:00:00Z"}
        for name, value in others.items():
            with self.subTest(name):
                path = "/v1/audit/events?" + urllib.parse.urlencode({**filters, name: value})
                self.assertEqual(self.owner.pages(path, 200), [])
        for query in ("kind=no.such", "from=yesterday", "colour=red"):
            self.owner.problem(422, "INVALID", "GET", "/v1/audit/events?" + query)

    def test_checkpoint_proofs_export_and_verify(self):
        self.events(self.done("noop")["id"])
        checkpoint = self.owner.expect(200, "GET", "/v1/audit/checkpoint")
        origin, size, root = checkpoint["note"].split("\n")[:3]
        self.assertEqual(int(size), checkpoint["size"])
        self.assertEqual(len(base64.b64decode(root)), 32)
        lines = self.owner.send("GET", "/v1/audit/export")
        self.assertEqual(lines.headers["content-type"], "application/x-ndjson")
        self.assertTrue(all(json.loads(line) for line in lines.text.splitlines()))
        hashes = {it["seq"]: it["hash"] for it in self.owner.pages("/v1/audit/events", 200)}
        proof = self.owner.expect(200, "GET", f"/v1/audit/proof?seq=3&size={size}")
        self.assertEqual(root_of(hashes[3], 3, int(size), proof["proof"]), root)
        grown = self.owner.expect(200, "GET", f"/v1/audit/consistency?from_size=3&to_size={size}")
        self.assertTrue(grown["proof"])
        for path in ("proof?seq=0", "proof?seq=99999999", "consistency?from_size=9&to_size=3", "proof?seq=x"):
            answer = self.owner.send("GET", "/v1/audit/" + path)
            self.assertEqual(answer.status, 422, answer.text)
        part = self.owner.send("GET", "/v1/audit/export?from_seq=2&to_seq=4").text
        exported = [it["event"]["seq"] for it in map(json.loads, part.splitlines()) if "event" in it]
        self.assertEqual(exported, [2, 3, 4])
        report = self.owner.expect(200, "POST", "/v1/audit/verify", {})
        self.assertTrue(report["ok"], report)
        self.assertIsNone(report["first_bad"])
        self.assertGreaterEqual(report["events"], int(size))


def root_of(leaf, seq, size, proof):
    """The root of a tree (RFC 6962) from a leaf and its path, in base64."""
    digest = bytes.fromhex(leaf.removeprefix("sha256:"))
    node, at, last = hashlib.sha256(b"\0" + digest).digest(), seq - 1, size - 1
    for step in map(base64.b64decode, proof):
        if at % 2 or at == last:
            node = hashlib.sha256(b"\1" + step + node).digest()
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            node = hashlib.sha256(b"\1" + node + step).digest()
        at, last = at // 2, last // 2
    return base64.b64encode(node).decode()


class CommandLine(Contract):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = tempfile.TemporaryDirectory()
        cls.key = cls.server.key("admin")

    @classmethod
    def tearDownClass(cls):
        cls.home.cleanup()
        super().tearDownClass()

    def chancery(self, *arguments, code=0, text=None, key=True):
        environment = dict(surroundings(), CHANCERY_URL=self.server.url, XDG_CONFIG_HOME=self.home.name)
        if key:
            environment["CHANCERY_API_KEY"] = self.key
        command = [os.environ["CHANCERY_BIN"], *arguments]
        done = subprocess.run(command, env=environment, input=text or "", capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *arguments, **more):
        return json.loads(self.chancery(*arguments, "--json", **more))

    def test_run_runs_and_replay(self):
        text = self.chancery("run", "read notes/todo.md; list notes", "--agent", "demo")
        run = re.search(r"run_[0-9a-f-]{36}", text).group()
        lines = [json.loads(it) for it in self.chancery("run", "list", "--json").splitlines()]
        self.assertGreater(len(lines), 1)
        self.assertEqual(self.json("runs", "show", run)["run"]["id"], run)
        self.assertIn(run, json.dumps(self.json("runs")))
        self.chancery("runs", "watch", run)
        self.assertTrue(self.json("replay", run)["identical"])
        stricter = pathlib.Path(self.home.name, "demo.cedar")
        stricter.write_text("forbid (principal, action, resource);")
        report = json.loads(self.chancery("replay", run, "--policy", str(stricter), "--from", "1", "--json", code=0))
        self.assertFalse(report["identical"])
        self.assertIn("STEP_FAILED", self.chancery("run", "read no/such/file", code=1))
        waiting = self.say("wait 1h")["run"]["id"]
        self.chancery("runs", "cancel", waiting)
        self.owner.until(waiting, "cancelled")

    def test_approvals(self):
        for answer, state in (("approve", "succeeded"), ("deny", "failed")):
            self.chancery("run", f"write {fresh('notes/')}.md: text", "--no-wait", code=3)
            asked = self.owner.expect(200, "GET", "/v1/approvals?status=pending")["items"][0]
            self.assertIn(asked["id"], self.chancery("approvals", "list"))
            self.chancery("approvals", answer, asked["id"])
            self.owner.until(asked["run_id"], state)

    def test_policy(self):
        arguments = json.dumps({"path": "notes/todo.md"})
        self.assertEqual(self.json("policy", "check", "file.read", arguments)["decision"], "allow")
        file = pathlib.Path(self.home.name, "cli.cedar")
        file.write_text('permit (principal, action == Chancery::Action::"noop", resource);')
        self.chancery("policy", "publish", str(file))
        self.assertIn("cli", self.chancery("policy", "list"))
        self.json("policy", "simulate", str(file))
        file.write_text("permit (")
        self.assertIn("cedar", self.chancery("policy", "publish", str(file), code=1))

    def test_audit(self):
        self.chancery("audit", "verify")
        self.chancery("audit", "verify", "--remote")
        record = pathlib.Path(self.home.name, "record.ndjson")
        self.chancery("audit", "export", "-o", str(record))
        self.chancery("audit", "verify", str(record))
        lines = record.read_text().splitlines(keepends=True)
        damaged = next(at for at, line in enumerate(lines) if '"seq":3,' in line)
        lines[damaged] = lines[damaged].replace('"kind":"', '"kind":"x', 1)
        record.write_text("".join(lines))
        self.assertIn("3", self.chancery("audit", "verify", str(record), code=1))
        self.assertTrue(self.json("audit", "proof", "3")["proof"])

    def test_secrets_keys_and_the_rest(self):
        name = fresh("cli")
        self.chancery("secrets", "create", name, text="a secret value\n")
        listed = self.chancery("secrets")
        self.assertIn(name, listed)
        self.assertNotIn("a secret value", listed)
        self.json("keys", "create", name, "--role", "viewer")
        self.assertIn(name, self.chancery("keys"))
        self.assertTrue(self.json("config", "show"))
        for command in ("agents", "nodes", "skills", "tools", "artifacts", "members"):
            self.assertIn("items", self.json(command, "list"), command)
        self.assertIn("items", self.json("node", "list"))
        self.assertIn("complete", self.chancery("completions", "bash"))

    def test_failures_are_one_clear_line(self):
        text = self.chancery("runs", "show", "run_x", code=1)
        self.assertIn("run_x", text)
        self.assertEqual(len(text.strip().splitlines()), 1, text)
        environment = {"CHANCERY_URL": "http://127.0.0.1:1", "CHANCERY_API_KEY": "chk_x", "PATH": os.environ["PATH"]}
        command = [os.environ["CHANCERY_BIN"], "runs", "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("127.0.0.1:1", json.loads(done.stderr)["error"]["message"])
        self.assertEqual(self.chancery("no-such-command", code=2).count("panicked"), 0)


class ConventionsOnSqlite(Conventions, unittest.TestCase):
    pass


class ConventionsOnPostgres(Conventions, unittest.TestCase):
    postgres = True


class IdentityOnSqlite(Identity, unittest.TestCase):
    pass


class IdentityOnPostgres(Identity, unittest.TestCase):
    postgres = True


class WorkOnSqlite(Work, unittest.TestCase):
    pass


class WorkOnPostgres(Work, unittest.TestCase):
    postgres = True


class PlannerOnSqlite(Planner, unittest.TestCase):
    pass


class PlannerOnPostgres(Planner, unittest.TestCase):
    postgres = True


class StreamsOnSqlite(Streams, unittest.TestCase):
    pass


class StreamsOnPostgres(Streams, unittest.TestCase):
    postgres = True


class PoliciesOnSqlite(Policies, unittest.TestCase):
    pass


class PoliciesOnPostgres(Policies, unittest.TestCase):
    postgres = True


class RecordOnSqlite(Record, unittest.TestCase):
    pass


class RecordOnPostgres(Record, unittest.TestCase):
    postgres = True


class CommandLineOnSqlite(CommandLine, unittest.TestCase):
    pass


class CommandLineOnPostgres(CommandLine, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
