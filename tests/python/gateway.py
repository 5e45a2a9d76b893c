"""The gateway with every kind of provider behind it, each of them the fake."""

import itertools
import json
import os
import unittest

import anthropic
import httpx2
import openai
from installation import Installation
from provider import Provider

LIMITS_OFF = {"CHANCERY_RATE_LIMITS_AUTH_PER_MINUTE": "0", "CHANCERY_RATE_LIMITS_API_PER_MINUTE": "0"}

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
# What a call costs where a profile says it: micro-USD for a million tokens.
PRICE = {"input_usd_micros": 1_000_000, "cached_input_usd_micros": 100_000, "output_usd_micros": 10_000_000}

# Each kind of provider: what it needs beside a name and a secret, and a model that it has.
KINDS = {
    "anthropic": ({"type": "anthropic", "base_url": "{fake}/v1"}, "claude-test"),
    "openai": ({"type": "openai", "base_url": "{fake}/v1"}, "gpt-test"),
    "azure": ({"type": "azure_openai", "base_url": "{fake}"}, "gpt-test"),
    "azure-old": ({"type": "azure_openai", "base_url": "{fake}", "api_version": "2024-10-21"}, "my-gpt"),
    "openrouter": ({"type": "openrouter", "base_url": "{fake}/api/v1"}, "vendor/gpt-test"),
    "gemini": ({"type": "gemini", "base_url": "{fake}"}, "gemini-2-test"),
    "gemini3": ({"type": "gemini", "base_url": "{fake}"}, "gemini-3-test"),
    "bedrock": ({"type": "bedrock", "base_url": "{fake}"}, "anthropic.claude-test-v1:0"),
    "local": ({"type": "openai_compatible", "base_url": "{fake}/local/v1"}, "llama-test"),
}


class Gateway:
    """A server with a provider of each kind, and a key of an organisation."""

    def __init__(self, postgres=False):
        self.fake = Provider()
        self.server = Installation(postgres, LIMITS_OFF)
        self.providers = {}

    def furnish(self):
        """Makes a provider of each kind, and a key."""
        secret = self._secret("fake-key", self.fake.key)
        aws = ("access_key_id", "secret_access_key")
        aws = self._secret("aws-keys", json.dumps({name: self.fake.keys["aws_" + name] for name in aws}))
        for name, (kind, _) in KINDS.items():
            body = {"name": name, **kind, "base_url": kind["base_url"].format(fake=self.fake.url)}
            if name != "local":
                body["secret_id"] = aws if name == "bedrock" else secret
            if name == "bedrock":
                body["region"] = self.fake.keys["aws_region"]
            self.providers[name] = self.made("/v1/providers", body)["id"]
        self.key = self.server.key("member")

    def made(self, path, body):
        status, made = self.server.owner("POST", path, body)
        assert status == 201, (path, status, made)
        return made

    def _secret(self, name, value):
        return self.made("/v1/secrets", {"name": name, "value": value})["id"]

    def profile(self, name, *targets, **more):
        """A profile that leads to models of these providers."""
        targets = [self._target(it) for it in targets]
        return self.made("/v1/model-profiles", {"name": name, "targets": targets, **more})

    def _target(self, target):
        name, model = target if isinstance(target, tuple) else (target, KINDS[target][1])
        return {"provider_id": self.providers[name], "model": model}

    def run(self, name, profile, *tools):
        """A run that is open until it is cancelled: of an agent with these tools, whose model is a profile's."""
        agent = {"name": name, "model_profile_id": profile["id"], "tools": list(tools)}
        session = self.made("/v1/sessions", {"agent_ids": [self.made("/v1/agents", agent)["id"]]})
        path = f"/v1/sessions/{session['id']}/messages"
        status, posted = self.server.owner("POST", path, {"content": "wait 60m"})
        assert status == 202, (status, posted)
        run = posted["run"]["id"]
        self.server.wait_for(run, ("waiting",))
        return run

    def close(self):
        self.server.close()
        self.fake.close()


def model(kind):
    """How a client names the model of a kind of provider."""
    return f"{kind}/{KINDS[kind][1]}"


def fresh(kind, counter=itertools.count()):
    """A model of this kind that nobody has asked yet: one that has failed is left alone for a while."""
    name, _, version = KINDS[kind][1].partition(":")
    return f"{kind}/{name}-{next(counter)}" + (":" + version if version else "")


class GatewayTest(unittest.TestCase):
    """One gateway for the tests of a class; each has clients of its own, and leaves nothing wrong behind."""

    postgres = False

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(cls.postgres)
        cls.addClassCleanup(cls.gateway.close)
        cls.fake = cls.gateway.fake
        cls.gateway.furnish()

    def setUp(self):
        self.fake.reset()
        self.sent = []

    def _http(self):
        """An HTTP client that keeps what it sent."""
        client = httpx2.Client(timeout=60, event_hooks={"request": [self.sent.append]})
        self.addCleanup(client.close)
        return client

    def openai(self, key=None, **more):
        url = self.gateway.server.url + "/gateway/openai/v1"
        more = {"max_retries": 0, "http_client": self._http(), **more}
        return openai.OpenAI(base_url=url, api_key=key or self.gateway.key, **more)

    def anthropic(self, key=None, **more):
        url = self.gateway.server.url + "/gateway/anthropic"
        more = {"max_retries": 0, "http_client": self._http(), **more}
        return anthropic.Anthropic(base_url=url, api_key=key or self.gateway.key, **more)

    def content(self):
        """What the provider was asked was right, and all that it was to say was asked for."""
        self.fake.assert_content()

    def forwarded(self, asked, served):
        """The only request went on byte for byte, but for the model's name."""
        seen = self.fake.one()
        expected = self.sent[-1].content.replace(json.dumps(asked).encode(), json.dumps(served).encode(), 1)
        self.assertEqual(seen.bytes, expected)
        return seen


os.environ.setdefault("OTEL_SDK_DISABLED", "true")
