"""Every version of a policy that was ever in force can be read."""

import unittest

from installation import Installation

class PolicyVersions:
    postgres = False

    @classmethod
    def setUpClass(cls):
        cls.server = Installation(cls.postgres)

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def publish(self, name, cedar, comment=""):
        body = {"cedar": cedar, "comment": comment}
        status, published = self.server.owner("PUT", f"/v1/policies/{name}", body)
        self.assertEqual(status, 200, published)
        return published

    def test_versions_are_listed_newest_first_and_stay_when_the_policy_goes(self):
        texts = ["// one\n", "// two\n", "// three\n"]
        rule = 'permit(principal, action == Chancery::Action::"noop", resource);'
        for number, text in enumerate(texts, 1):
            self.assertEqual(self.publish("house", text + rule, f"try {number}")["version"], number)
        path = "/v1/policies/house/versions"
        status, page = self.server.owner("GET", path + "?limit=2")
        self.assertEqual(status, 200, page)
        self.assertEqual([it["version"] for it in page["items"]], [3, 2])
        _, rest = self.server.owner("GET", f"{path}?limit=2&cursor={page['next_cursor']}")
        self.assertEqual([it["version"] for it in rest["items"]], [1])
        self.assertIsNone(rest["next_cursor"])
        oldest = rest["items"][0]
        self.assertEqual((oldest["cedar"], oldest["comment"]), (texts[0] + rule, "try 1"))
        self.assertTrue(oldest["published_by"]["user"].startswith("usr_"), oldest)
        status, one = self.server.owner("GET", path + "/2")
        self.assertEqual((status, one["cedar"]), (200, texts[1] + rule))

        status, _ = self.server.owner("DELETE", "/v1/policies/house")
        self.assertEqual(status, 204)
        status, kept = self.server.owner("GET", path)
        self.assertEqual((status, len(kept["items"])), (200, 3))
        # Published again it goes on counting.
        self.assertEqual(self.publish("house", rule)["version"], 4)

    def test_what_never_was_is_not_found(self):
        self.publish("once", 'permit(principal, action == Chancery::Action::"noop", resource);')
        for path in ("never/versions", "never/versions/1", "once/versions/2", "once/versions/0"):
            status, problem = self.server.owner("GET", "/v1/policies/" + path)
            self.assertEqual(status, 404, problem)

    def test_another_organisation_has_none_of_them(self):
        self.publish("ours", 'permit(principal, action == Chancery::Action::"noop", resource);')
        status, other = self.server.owner("POST", "/v1/orgs", {"name": "Elsewhere"})
        self.assertEqual(status, 201, other)
        asked = {"token": self.server.token}
        status, found = self.server.call("GET", "/v1/policies/ours/versions", org=other["id"], **asked)
        self.assertEqual(status, 404, found)
        status, found = self.server.call("GET", "/v1/policies/ours/versions", org=self.server.org, **asked)
        self.assertEqual(status, 200, found)


class OnSqlite(PolicyVersions, unittest.TestCase):
    pass


class OnPostgres(PolicyVersions, unittest.TestCase):
    postgres = True


if __name__ == "__main__":
    unittest.main()
