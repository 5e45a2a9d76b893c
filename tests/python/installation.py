"""A real server on a private data folder, and a small client for it. Standard library only."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

EMAIL = "owner@example.com"
PASSWORD = "a long enough passphrase"


def surroundings():
    """The environment of this process, without what the tests are told: that is no setting of the product."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CHANCERY_")}


class Installation:
    """`chancery up` on SQLite, or on a fresh database of the server in CHANCERY_TEST_POSTGRES."""

    def __init__(self, postgres=False, settings=None):
        self.folder = tempfile.mkdtemp(prefix="chancery-test-")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        environment = surroundings()
        environment.update(CHANCERY_OWNER_EMAIL=EMAIL, CHANCERY_OWNER_PASSWORD=PASSWORD)
        environment["XDG_CONFIG_HOME"] = self.folder
        environment.update(settings or {})
        self.environment = environment
        self.command = [os.environ["CHANCERY_BIN"], "up", "--data-dir", self.folder + "/data"]
        self.command += ["--listen", f"127.0.0.1:{self.port}"]
        if postgres:
            self.command += ["--database-url", self._database()]
        self.log = open(self.folder + "/log", "wb")
        self.start()
        self.token, self.org = self._sign_in()

    def start(self):
        """Starts it, again after a `kill`."""
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=self.log, stderr=self.log)
        self._await_ready()

    def kill(self):
        """Ends it without a warning."""
        self.process.kill()
        self.process.wait(20)

    def _database(self):
        server = os.environ["CHANCERY_TEST_POSTGRES"]
        name = "python_" + uuid.uuid4().hex
        subprocess.run(["psql", server, "-qc", f"CREATE DATABASE {name}"], check=True)
        return server.rsplit("/", 1)[0] + "/" + name

    def _await_ready(self):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=2)
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        with open(self.folder + "/log", encoding="utf-8", errors="replace") as log:
            raise AssertionError("the server did not start: " + log.read()[-2000:])

    def _sign_in(self):
        status, body = self.call("POST", "/v1/auth/login", {"email": EMAIL, "password": PASSWORD})
        assert status == 200, (status, body)
        token = body["access_token"]
        status, orgs = self.call("GET", "/v1/orgs", token=token)
        assert status == 200, (status, orgs)
        return token, orgs["items"][0]["id"]

    def call(self, method, path, body=None, token=None, org=None, accept=None):
        """Answers the status and the parsed body (or its text)."""
        request = urllib.request.Request(self.url + path, method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if token:
            request.add_header("Authorization", "Bearer " + token)
        if org:
            request.add_header("X-Org-Id", org)
        if accept:
            request.add_header("Accept", accept)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        try:
            return status, json.loads(text) if text else None
        except ValueError:
            return status, text

    def owner(self, method, path, body=None):
        return self.call(method, path, body, token=self.token, org=self.org)

    def key(self, role):
        """A fresh API key of a role."""
        status, made = self.owner("POST", "/v1/api-keys", {"name": role + " " + uuid.uuid4().hex, "role": role})
        assert status == 201, (status, made)
        return made["key"] if isinstance(made.get("key"), str) else made["token"]

    def wait_for(self, run, states=("succeeded", "failed", "cancelled")):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            status, found = self.owner("GET", "/v1/runs/" + run)
            assert status == 200, (status, found)
            if found["state"] in states:
                return found
            time.sleep(0.02)
        raise AssertionError(f"{run} is still {found['state']}")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
