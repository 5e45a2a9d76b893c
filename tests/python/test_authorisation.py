"""Every operation of the OpenAPI document × every identity, against a real server.

The document says the least role of each operation. Who has less is refused, who has it is not, a
stranger finds nothing, and an operation that says nothing fails the test.
"""

import unittest
import uuid

from installation import Installation

ROLES = ["viewer", "member", "admin", "owner"]
LEVELS = {"public", "person", "caller", *ROLES}
# Ends the very login, key or organisation that the test runs on.
LEFT_OUT = {("DELETE", "/v1/orgs/{org_id}"), ("POST", "/v1/auth/logout")}
# The test's own means of coming in are limited on purpose.
STREAMS = "text/event-stream"


def operations(document):
    for path, methods in sorted(document["paths"].items()):
        for method, operation in sorted(methods.items()):
            if method in ("get", "post", "put", "patch", "delete"):
                yield method.upper(), path, operation


def level_of(operation):
    for requirement in operation.get("security") or []:
        for scopes in requirement.values():
            for scope in scopes:
                return scope
    return None


def filled(path, org):
    """The path with ids that name nothing, but for the organisation."""
    out = path.replace("{org_id}", org)
    while "{" in out:
        begin, end = out.index("{"), out.index("}")
        out = out[:begin] + "x" + uuid.uuid4().hex + out[end + 1 :]
    return out


class Matrix:
    postgres = False

    @classmethod
    def setUpClass(cls):
        cls.server = Installation(cls.postgres)
        cls.document = cls.server.call("GET", "/v1/openapi.json")[1]
        cls.keys = {role: cls.server.key(role) for role in ROLES[:-1]}
        stranger = {
            "email": "stranger@example.com",
            "password": "another long passphrase",
            "name": "Stranger",
            "org_name": "Elsewhere",
        }
        status, made = cls.server.call("POST", "/v1/auth/register", stranger)
        assert status == 201, made
        cls.stranger = made["access_token"]

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def each(self):
        for method, path, operation in operations(self.document):
            if (method, path) not in LEFT_OUT:
                yield method, path, level_of(operation), filled(path, self.server.org)

    def test_every_operation_says_who_may(self):
        missing = [
            f"{method} {path}"
            for method, path, operation in operations(self.document)
            if level_of(operation) not in LEVELS
        ]
        self.assertEqual(missing, [])

    def test_without_an_identity_only_what_is_public_answers(self):
        for method, path, level, url in self.each():
            with self.subTest(f"{method} {path}"):
                status, _ = self.server.call(method, url, {} if method != "GET" else None)
                if level == "public":
                    self.assertLess(status, 500)
                else:
                    self.assertEqual(status, 401)

    def test_less_than_the_role_is_forbidden_and_the_role_is_not(self):
        for method, path, level, url in self.each():
            if level not in ROLES:
                continue
            for role, key in self.keys.items():
                with self.subTest(f"{method} {path} as {role}"):
                    body = {} if method != "GET" else None
                    status, answer = self.server.call(method, url, body, token=key)
                    self.assertLess(status, 500, answer)
                    code = answer.get("code") if isinstance(answer, dict) else None
                    enough = ROLES.index(role) >= ROLES.index(level)
                    if enough:
                        self.assertFalse(status == 403 and code == "FORBIDDEN", answer)
                        self.assertNotEqual(status, 401, answer)
                    else:
                        self.assertEqual((status, code), (403, "FORBIDDEN"), answer)

    def test_a_stranger_finds_nothing(self):
        for method, path, level, url in self.each():
            if level not in ROLES:
                continue
            with self.subTest(f"{method} {path}"):
                body = {} if method != "GET" else None
                status, answer = self.server.call(
                    method, url, body, token=self.stranger, org=self.server.org
                )
                self.assertEqual(status, 404, answer)


class OnSqlite(Matrix, unittest.TestCase):
    pass


class OnPostgres(Matrix, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
