"""The record of a real server, verified by the second verifier, which shares no code with it."""

import json
import pathlib
import subprocess
import sys
import unittest

from installation import Installation

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERIFIER = ROOT / "docs" / "verify_record.py"


class Record:
    postgres = False

    @classmethod
    def setUpClass(cls):
        cls.server = Installation(cls.postgres)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def export(self):
        for _ in range(5):
            status, run = self.server.owner("POST", "/v1/tools/noop/invoke", {"arguments": {}})
            self.assertEqual(status, 202, run)
            self.assertEqual(self.server.wait_for(run["id"])["state"], "succeeded")
        status, checkpoint = self.server.owner("GET", "/v1/audit/checkpoint")
        self.assertEqual(status, 200, checkpoint)
        status, text = self.server.owner("GET", "/v1/audit/export")
        self.assertEqual(status, 200)
        return text, checkpoint["keys"]

    def verify(self, text, keys):
        path = pathlib.Path(self.server.folder) / "export.ndjson"
        path.write_text(text, encoding="utf-8")
        command = [sys.executable, str(VERIFIER), str(path)]
        for key in keys:
            command += ["--key", key]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    def test_a_real_export_verifies(self):
        code, report = self.verify(*self.export())
        self.assertEqual(code, 0, report)

    def test_after_a_rotation_the_first_key_proves_everything(self):
        _, before = self.export()
        status, rotated = self.server.owner("POST", "/v1/audit/keys/rotate")
        self.assertEqual(status, 200, rotated)
        text, after = self.export()
        self.assertEqual(after, before + [rotated["key"]])
        for trusted in ([before[0]], [rotated["key"]]):
            code, report = self.verify(text, trusted)
            self.assertEqual(code, 0, report)
        # Without its announcement nobody vouches for the new key.
        lines = text.splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if '"log.key_rotated"' in line)
        code, report = self.verify("".join(lines[:at] + lines[at + 1 :]), [before[0]])
        self.assertEqual(code, 1, report)

    def test_the_newest_events_come_first_where_that_is_asked_for(self):
        self.export()
        _, checkpoint = self.server.owner("GET", "/v1/audit/checkpoint")
        seqs, cursor = [], ""
        while len(seqs) < 12:
            path = f"/v1/audit/events?order=desc&limit=5&cursor={cursor}"
            status, page = self.server.owner("GET", path)
            self.assertEqual(status, 200, page)
            seqs += [event["seq"] for event in page["items"]]
            cursor = page["next_cursor"] or ""
            if not cursor:
                break
        self.assertGreaterEqual(seqs[0], checkpoint["size"])
        self.assertEqual(seqs, list(range(seqs[0], seqs[0] - len(seqs), -1)))
        kinds = "tool.intended,run.succeeded"
        status, page = self.server.owner("GET", f"/v1/audit/events?order=desc&kind={kinds}&limit=4")
        self.assertEqual(status, 200, page)
        found = [event["event"]["kind"] for event in page["items"]]
        self.assertEqual(set(found), set(kinds.split(",")), found)

    def test_what_only_goes_onwards_says_so(self):
        for path, accept in (
            ("/v1/audit/events?order=desc", "text/event-stream"),
            ("/v1/audit/events?order=desc&after=3", "application/json"),
            ("/v1/audit/events?order=sideways", "application/json"),
            ("/v1/audit/events?kind=tool.intended,tool.invented", "application/json"),
        ):
            asked = {"token": self.server.token, "org": self.server.org, "accept": accept}
            status, problem = self.server.call("GET", path, **asked)
            self.assertEqual(status, 422, problem)

    def test_a_changed_byte_is_found_where_it_is(self):
        text, keys = self.export()
        lines = text.splitlines(keepends=True)
        self.assertIn("noop", lines[-2] + lines[-3] + lines[-4] + lines[-5])
        at = next(i for i, line in enumerate(lines) if '"noop"' in line)
        lines[at] = lines[at].replace('"noop"', '"nood"', 1)
        code, report = self.verify("".join(lines), keys)
        self.assertEqual(code, 1, report)
        self.assertEqual(report["seq"], at, report)

    def test_the_keys_of_another_log_prove_nothing(self):
        text, _ = self.export()
        other = Installation()
        try:
            self.server, ours = other, self.server
            _, keys = self.export()
        finally:
            self.server = ours
            other.close()
        code, report = self.verify(text, keys)
        self.assertEqual(code, 1, report)


class OnSqlite(Record, unittest.TestCase):
    pass


class OnPostgres(Record, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
