"""Coding agents of others, each completing a turn with a tool through the gateway, with a run's token as their only key.

Telemetry and updates are off.
"""

import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from gateway import GatewayTest
from provider import call, says

PROMPT = "Write hello to made.txt."
COMMAND = "echo hello > made.txt"
ARCHITECTURE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class CodingAgents(GatewayTest):
    def setUp(self):
        super().setUp()
        self.modules = pathlib.Path(os.environ["CHANCERY_NODE_MODULES"])
        # Not under the temporary folder, where one of them refuses to keep its programs.
        homes = self.modules.parent / "homes"
        homes.mkdir(exist_ok=True)
        self.home = pathlib.Path(tempfile.mkdtemp(dir=homes))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.work = self.home / "work"
        self.work.mkdir()

    def key_to(self, name, kind):
        """The token of a run whose agent asks this new profile, and nothing else."""
        profile = self.gateway.profile(name, kind)
        self.run_id = self.gateway.run(name + "-agent", profile, "model.call")
        return self.gateway.made(f"/v1/runs/{self.run_id}/token", {})["token"]

    def program(self, path):
        program = self.modules / path
        if not program.exists():
            self.skipTest(f"{path} does not exist for this machine")
        return str(program)

    def run_agent(self, command, **environment):
        """Runs an agent in a folder and an environment of its own, and hands over what it printed, line by line."""
        environment |= {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb"}
        done = subprocess.run(
            command, cwd=self.work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )
        told = f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        self.assertEqual(done.returncode, 0, told)
        made = self.work / "made.txt"
        self.assertTrue(made.exists(), told)
        self.assertEqual(made.read_text(), "hello\n")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def asked(self, operation, name):
        """What the provider was asked by the agent: twice, and the second time with the result of the tool."""
        self.content()
        seen = [it for it in self.fake.seen() if it.operation == operation and it.body["model"] == name]
        self.assertEqual(len(seen), 2, [it.path for it in self.fake.seen()])
        self.assertEqual(self.recorded("model.answered"), 2)
        return seen

    def recorded(self, kind):
        """How many events of a kind the record has of the run, once there are two."""
        deadline = time.monotonic() + 20
        while True:
            status, events = self.gateway.server.owner("GET", f"/v1/runs/{self.run_id}/events")
            self.assertEqual(status, 200, events)
            count = sum(it["event"]["kind"] == kind for it in events["items"])
            if count >= 2 or time.monotonic() > deadline:
                return count
            time.sleep(0.05)

    def claude_code(self, asked, key):
        program = self.program(f"@anthropic-ai/claude-code-{platform.system().lower()}-{ARCHITECTURE}/claude")
        command = [program, "-p", PROMPT, "--output-format", "stream-json", "--verbose", "--model", asked]
        command.append("--dangerously-skip-permissions")
        return self.run_agent(
            command,
            ANTHROPIC_BASE_URL=self.gateway.server.url + "/gateway/anthropic",
            ANTHROPIC_API_KEY=key,
            CLAUDE_CONFIG_DIR=str(self.home / "claude"),
            CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
            DISABLE_AUTOUPDATER="1",
            DISABLE_ERROR_REPORTING="1",
            DISABLE_TELEMETRY="1",
            # It is asked to skip its permissions as root only where somebody says that this is a sandbox.
            IS_SANDBOX="1",
        )

    def test_claude_code(self):
        self.fake.script(says("I write it.", call("Bash", {"command": COMMAND, "description": "Writes"})), "Written.")
        printed = self.claude_code("claude", self.key_to("claude", "anthropic"))
        self.assertEqual(printed[-1]["result"], "Written.")
        for seen in self.asked("messages", "claude-test"):
            self.assertEqual(seen.query, "beta=true")
            self.assertIn("claude-code-20250219", seen.headers["anthropic-beta"])

    def test_claude_code_on_another_family(self):
        self.fake.script(says("I write it.", call("Bash", {"command": COMMAND, "description": "Writes"})), "Written.")
        printed = self.claude_code("foreign-claude", self.key_to("foreign-claude", "openai"))
        self.assertEqual(printed[-1]["result"], "Written.")
        self.asked("chat_completions", "gpt-test")

    def codex(self, asked, key):
        node = str(pathlib.Path(sys.executable).parent / "node")
        folder = self.home / "codex"
        folder.mkdir()
        (folder / "config.toml").write_text(
            f'''
            model = "{asked}"
            model_provider = "chancery"
            check_for_update_on_startup = false
            [analytics]
            enabled = false
            [model_providers.chancery]
            name = "Chancery"
            base_url = "{self.gateway.server.url}/gateway/openai/v1"
            wire_api = "responses"
            env_key = "CHANCERY_KEY"
            '''
        )
        command = [node, self.program("@openai/codex/bin/codex.js"), "exec", "--json", "--skip-git-repo-check"]
        command += ["--dangerously-bypass-approvals-and-sandbox", PROMPT]
        return self.run_agent(command, CODEX_HOME=str(folder), CHANCERY_KEY=key)

    def test_codex(self):
        self.fake.script(says("I write it.", call("exec_command", {"cmd": COMMAND})), "Written.")
        printed = self.codex("codex", self.key_to("codex", "openai"))
        said = [it["item"]["text"] for it in printed if it.get("item", {}).get("type") == "agent_message"]
        self.assertEqual(said[-1], "Written.")
        self.asked("responses", "gpt-test")

    def opencode(self, asked, key):
        program = self.program(f"opencode-{platform.system().lower()}-{ARCHITECTURE}/bin/opencode")
        options = {"baseURL": self.gateway.server.url + "/gateway/openai/v1", "apiKey": "{env:CHANCERY_KEY}"}
        provider = {"npm": "@ai-sdk/openai-compatible", "name": "Chancery", "options": options, "models": {asked: {}}}
        settings = {
            "autoupdate": False,
            "share": "disabled",
            "model": "chancery/" + asked,
            "permission": {"*": "allow"},
            "provider": {"chancery": provider},
            # It would name the conversation with a model of its own.
            "agent": {"title": {"disable": True}},
        }
        (self.work / "opencode.json").write_text(json.dumps(settings))
        return self.run_agent(
            [program, "run", "--format", "json", PROMPT],
            CHANCERY_KEY=key,
            OPENCODE_DISABLE_AUTOUPDATE="1",
            OPENCODE_DISABLE_DEFAULT_PLUGINS="1",
            OPENCODE_DISABLE_LSP_DOWNLOAD="1",
            OPENCODE_DISABLE_MODELS_FETCH="1",
            **{f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CONFIG", "DATA", "STATE", "CACHE")},
        )

    def test_opencode(self):
        self.fake.script(says("I write it.", call("bash", {"command": COMMAND, "description": "Writes"})), "Written.")
        printed = self.opencode("coder", self.key_to("coder", "openai"))
        said = [it["part"]["text"] for it in printed if it["type"] == "text"]
        self.assertEqual(said[-1], "Written.")
        self.asked("chat_completions", "gpt-test")

    def test_opencode_on_another_family(self):
        self.fake.script(says("I write it.", call("bash", {"command": COMMAND, "description": "Writes"})), "Written.")
        printed = self.opencode("foreign-coder", self.key_to("foreign-coder", "anthropic"))
        said = [it["part"]["text"] for it in printed if it["type"] == "text"]
        self.assertEqual(said[-1], "Written.")
        self.asked("messages", "claude-test")


if __name__ == "__main__":
    unittest.main()
