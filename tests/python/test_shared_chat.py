"""The main job of chats, from outside: two people and two agents share one, over a kill -9, with tools, an approval, a
budget, and a record that proves it all."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from installation import Installation, surroundings
from provider import Provider, call, says

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERIFIER = ROOT / "docs" / "verify_record.py"
COLLEAGUE = {"email": "grace@example.com", "password": "another long passphrase", "name": "Grace Hopper"}
TOOLS = ["file.list", "file.read", "file.write"]


class SharedChat:
    postgres = False

    def setUp(self):
        self.fake = Provider()
        self.addCleanup(self.fake.close)
        self.server = Installation(self.postgres)
        self.addCleanup(self.server.close)

    def made(self, path, body, status=201):
        got, answer = self.server.owner("POST", path, body)
        self.assertEqual(got, status, answer)
        return answer

    def colleague(self):
        """Signs a second person up, by an invitation; their token."""
        invited = self.made("/v1/invitations", {"email": COLLEAGUE["email"], "role": "member"})
        token = invited["token"]
        status, joined = self.server.call("POST", "/v1/auth/register", {**COLLEAGUE, "invitation_token": token})
        self.assertEqual(status, 201, joined)
        return joined["access_token"], joined["user"]["id"]

    def agents(self):
        """A provider with a key, a profile, and two agents that plan by it."""
        secret = self.made("/v1/secrets", {"name": "key", "value": self.fake.key})["id"]
        new = {"type": "anthropic", "name": "vendor", "base_url": self.fake.url + "/v1", "secret_id": secret}
        provider = self.made("/v1/providers", new)["id"]
        tested = self.made(f"/v1/providers/{provider}/test", {}, 200)
        self.assertTrue(tested["ok"], tested)
        target = {"provider_id": provider, "model": "claude-test"}
        price = {"input_usd_micros": 1_000_000, "output_usd_micros": 10_000_000}
        profile = self.made("/v1/model-profiles", {"name": "main", "targets": [target], "price": price})["id"]
        agent = {"planner": "model", "model_profile_id": profile, "tools": TOOLS, "workspace": "demo"}
        return [self.made("/v1/agents", {"name": name, **agent})["id"] for name in ("Clerk", "Scribe")]

    def post(self, token, content):
        path = f"/v1/sessions/{self.session}/messages"
        status, posted = self.server.call("POST", path, {"content": content}, token=token, org=self.server.org)
        self.assertEqual(status, 202, posted)
        return [run["id"] for run in posted["runs"]]

    def texts(self):
        status, page = self.server.owner("GET", f"/v1/sessions/{self.session}/messages")
        self.assertEqual(status, 200, page)
        return [message["content"] for message in page["items"]]

    def pending(self, run):
        self.server.wait_for(run, ["waiting"])
        status, page = self.server.owner("GET", "/v1/approvals?status=pending")
        self.assertEqual(status, 200, page)
        (only,) = [it for it in page["items"] if it["run_id"] == run]
        return only

    def test_people_and_agents_share_a_chat(self):
        server, fake = self.server, self.fake
        grace, grace_id = self.colleague()
        agents = self.agents()
        self.session = self.made("/v1/sessions", {"title": "Planning", "agent_ids": agents, "workspace": "demo"})["id"]
        self.made(f"/v1/sessions/{self.session}/members", {"user_id": grace_id}, 204)

        # The first agent reads, and asks the second one, which answers in its turn.
        fake.script(
            says(call("file_read", {"path": "notes/todo.md"})),
            says("There are five points. @scribe, please write them up."),
            says(call("file_write", {"path": "notes/summary.md", "content": "Five points.\n"})),
        )
        (first,) = self.post(server.token, "What is left to do?")
        self.assertEqual(server.wait_for(first)["state"], "succeeded")
        status, page = server.owner("GET", f"/v1/runs?session_id={self.session}")
        self.assertEqual(status, 200, page)
        (second,) = [run["id"] for run in page["items"] if run["id"] != first]
        approval = self.pending(second)
        self.assertEqual(approval["tool"], "file.write")

        # Meanwhile people go on, and the server dies.
        self.assertEqual(self.post(grace, "@owner is that what you wanted?"), [])
        before = self.texts()
        server.kill()
        server.start()
        self.assertEqual(self.texts(), before)

        # The colleague says yes; the agent finishes what it had begun.
        fake.script("It is in notes/summary.md.")
        path = f"/v1/approvals/{approval['id']}/approve"
        status, answer = server.call("POST", path, {}, token=grace, org=server.org)
        self.assertEqual(status, 200, answer)
        self.assertEqual(server.wait_for(second)["state"], "succeeded")
        self.assertEqual(self.texts(), [*before, "It is in notes/summary.md."])
        fake.assert_content()

        # What it cost is known, and no more is spent than is allowed.
        status, used = server.owner("GET", "/v1/usage?group_by=agent")
        self.assertEqual(status, 200, used)
        self.assertEqual({it["agent_id"] for it in used["items"]}, set(agents))
        spent = sum(it["cost_usd_micros"] for it in used["items"])
        self.assertGreater(spent, 0)
        status, budget = server.owner("PUT", f"/v1/budgets/{server.org}", {"daily_usd_micros": spent})
        self.assertEqual(status, 200, budget)
        asked = len(fake.seen())
        (third,) = self.post(grace, "@clerk and now?")
        failed = server.wait_for(third)
        self.assertEqual((failed["state"], failed["failure"]["code"]), ("failed", "BUDGET_EXCEEDED"), failed)
        self.assertEqual(len(fake.seen()), asked)

        # All of it is proved by a verifier that shares no code, and repeats byte for byte.
        self.verify()
        for run in (first, second):
            report = self.made(f"/v1/runs/{run}/replay", {}, 200)
            self.assertTrue(report["identical"], report)

    def verify(self):
        status, checkpoint = self.server.owner("GET", "/v1/audit/checkpoint")
        self.assertEqual(status, 200, checkpoint)
        status, text = self.server.owner("GET", "/v1/audit/export")
        self.assertEqual(status, 200)
        path = pathlib.Path(self.server.folder) / "export.ndjson"
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, str(VERIFIER), str(path)]
        for key in checkpoint["keys"]:
            command += ["--key", key]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn(self.fake.key, text)


class OnSqlite(SharedChat, unittest.TestCase):
    pass


class OnPostgres(SharedChat, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
