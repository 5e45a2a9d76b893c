"""Limits on tools, from outside: what the API answers where there is no room, who may change what, and that the operator
alone gives plans."""

import json
import os
import subprocess
import tempfile
import unittest

from contract import eventually
from installation import Installation

PLANS = {
    "plans": [
        {"name": "small", "limits": {"tool_calls_per_day": 2, "egress_hosts_denied": ["*.example.com"]}},
        {"name": "large", "limits": {"tool_calls_per_day": 1000}},
    ]
}
ALLOW = 'permit (principal, action == Chancery::Action::"noop", resource);'


class Limits:
    postgres = False

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(PLANS, file)
        self.addCleanup(os.unlink, file.name)
        settings = {"CHANCERY_PLANS_FILE": file.name, "CHANCERY_PLANS_DEFAULT": "small"}
        self.server = Installation(self.postgres, settings)
        self.addCleanup(self.server.close)
        self.allow(self.server.token, self.server.org)

    def allow(self, token, org):
        status, put = self.server.call("PUT", "/v1/policies/noop", {"cedar": ALLOW}, token=token, org=org)
        self.assertEqual(status, 200, put)

    def noop(self, token=None, org=None):
        """Calls the tool and waits for its end; the status, and the run or the problem."""
        token, org = token or self.server.token, org or self.server.org
        status, answer = self.server.call("POST", "/v1/tools/noop/invoke", {}, token=token, org=org)
        if status != 202:
            return status, answer
        path = "/v1/runs/" + answer["id"]
        over = ("succeeded", "failed")
        look = lambda: self.server.call("GET", path, token=token, org=org)[1]
        return status, eventually(look, lambda run: run["state"] in over)

    def limits(self, path="/v1/limits"):
        status, limits = self.server.owner("GET", path)
        self.assertEqual(status, 200, limits)
        return limits

    def limit(self, name):
        return next(it for it in self.limits()["items"] if it["limit"] == name)

    def operator(self, *words):
        """Runs a command on the server's machine."""
        command = self.server.command[:1] + ["plans", *words, "--json"]
        at = self.server.command.index("--data-dir")
        command += self.server.command[at : at + 2]
        if self.postgres:
            command += self.server.command[-2:]
        done = subprocess.run(command, env=self.server.environment, capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout or done.stderr)

    def test_a_day_without_room_is_402_and_the_operator_alone_makes_some(self):
        for used in (1, 2):
            self.assertEqual(self.noop()[1]["state"], "succeeded")
            day = self.limit("tool_calls_per_day")
            self.assertEqual((day["used"], day["max"], day["plan_max"], day["own_max"]), (used, 2, 2, None))
        self.assertTrue(day["resets_at"].endswith("T00:00:00.000000Z"), day)
        status, problem = self.noop()
        self.assertEqual((status, problem["code"], problem["retryable"]), (402, "PLAN_LIMIT", False), problem)
        self.assertIn("tool_calls_per_day", problem["detail"])
        look = lambda: self.server.owner("GET", "/v1/audit/events?kind=limit.reached")[1]["items"]
        reached = eventually(look, bool)[0]["event"]["data"]
        self.assertEqual((reached["limit"], reached["tool"], reached["used"]), ("tool_calls_per_day", "noop", 2))
        # Another organisation has a day of its own.
        status, other = self.server.call("POST", "/v1/orgs", {"name": "Other"}, token=self.server.token)
        self.assertEqual(status, 201, other)
        self.allow(self.server.token, other["id"])
        self.assertEqual(self.noop(org=other["id"])[1]["state"], "succeeded")
        # Not even an owner gives a plan.
        status, _ = self.server.owner("PATCH", "/v1/limits", {"plan": "large"})
        self.assertEqual(status, 422)
        status, problem = self.server.owner("PATCH", "/v1/limits", {"tool_calls_per_day": 3})
        self.assertEqual((status, problem["errors"][0]["pointer"]), (422, "/tool_calls_per_day"), problem)
        code, failed = self.operator("assign", self.server.org, "gold")
        self.assertEqual(code, 1, failed)
        code, done = self.operator("assign", self.server.org, "large")
        self.assertEqual(code, 0, done)
        eventually(lambda: self.limits()["plan"], lambda plan: plan == "large")
        self.assertEqual(self.noop()[1]["state"], "succeeded")
        plans = {it["id"]: it["plan"] for it in self.operator("organisations")[1]["items"]}
        self.assertEqual((plans[self.server.org], plans[other["id"]]), ("large", "small"))
        names = [it["name"] for it in self.operator("list")[1]["items"]]
        self.assertEqual(names, ["large", "small", "team", "trial", "unlimited"])

    def test_an_admin_is_stricter_and_is_told_whose_limit_it_is(self):
        own = {"tool_calls_per_day": 1, "tool_calls_per_minute": None, "egress_hosts_allowed": ["*.example.org"]}
        for role in ("viewer", "member"):
            status, _ = self.server.call("PATCH", "/v1/limits", own, token=self.server.key(role))
            self.assertEqual(status, 403)
        status, limits = self.server.call("PATCH", "/v1/limits", own, token=self.server.key("admin"))
        self.assertEqual(status, 200, limits)
        hosts = {
            "plan_allowed": None,
            "plan_denied": ["*.example.com"],
            "own_allowed": ["*.example.org"],
            "own_denied": [],
        }
        self.assertEqual(limits["hosts"], hosts)
        self.assertEqual(self.noop()[1]["state"], "succeeded")
        status, problem = self.noop()
        self.assertEqual((status, problem["code"]), (429, "ORGANISATION_LIMIT"), problem)
        self.assertEqual(self.limits("/v1/meta/limits")["organisation"], self.limits())
        status, problem = self.server.owner("PATCH", "/v1/limits", {"egress_hosts_denied": ["ok.example", "a/b"]})
        self.assertEqual((status, problem["errors"][0]["pointer"]), (422, "/egress_hosts_denied/1"), problem)
        status, limits = self.server.owner("PATCH", "/v1/limits", {"tool_calls_per_day": None})
        self.assertEqual((status, self.limit("tool_calls_per_day")["max"]), (200, 2), limits)
        self.assertEqual(self.noop()[1]["state"], "succeeded")
        # The command line shows the same.
        environment = {**self.server.environment, "CHANCERY_URL": self.server.url}
        environment["CHANCERY_API_KEY"] = self.server.key("admin")
        command = [self.server.command[0], "limits"]
        set_ = subprocess.run([*command, "set", "--tool-calls-concurrent", "3"], env=environment, timeout=60)
        self.assertEqual(set_.returncode, 0)
        shown = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60).stdout
        lines = {line.split()[0]: line.split()[1:4] for line in shown.splitlines() if line.strip()}
        self.assertEqual(lines["tool_calls_concurrent"], ["0", "3", "organisation"], shown)
        self.assertEqual(lines["tool_calls_per_day"][1:], ["2", "plan"], shown)


class OnSqlite(Limits, unittest.TestCase):
    pass


class OnPostgres(Limits, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
