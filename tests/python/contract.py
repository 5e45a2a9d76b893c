"""What a test of the contract needs: requests with headers, streams, and answers checked against the document."""

import http.client
import json
import re
import time
import urllib.parse

# Where a stream stays silent for so long, nothing more is coming.
STREAM_TIMEOUT_S = 40


class Answer:
    def __init__(self, status, headers, text):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.cookies = [value for name, value in headers if name.lower() == "set-cookie"]
        self.text = text
        try:
            self.body = json.loads(text) if text else None
        except ValueError:
            self.body = None


class Frame:
    """One event of a stream: `id` and `event` as they came, and the data, parsed."""

    def __init__(self, lines):
        fields = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
        self.id = fields.get("id")
        self.event = fields.get("event")
        self.data = json.loads(fields["data"]) if "data" in fields else None
        self.comment = next((line for line in lines if line.startswith(":")), None)


def eventually(read, holds):
    """What `read` answers, once `holds` is true of it; the last answer is told if it never is."""
    deadline = time.monotonic() + 30
    while not holds(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


class Caller:
    """Somebody who speaks to a server: a token, an organisation, or neither."""

    def __init__(self, server, token=None, org=None):
        self.server, self.token, self.org = server, token, org
        document = server.call("GET", "/v1/openapi.json")[1]
        self.document = document

    def open(self, method, path, body, headers, timeout=30):
        """A connection, and an answer whose body is not read yet."""
        out = {"Accept": "application/json"}
        if self.token:
            out["Authorization"] = "Bearer " + self.token
        if self.org:
            out["X-Org-Id"] = self.org
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            out["Content-Type"] = "application/json"
        out.update(headers or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
        connection.request(method, path, body, out)
        return connection, connection.getresponse()

    def send(self, method, path, body=None, headers=None):
        connection, answer = self.open(method, path, body, headers)
        got = Answer(answer.status, answer.getheaders(), answer.read().decode("utf-8", "replace"))
        connection.close()
        self._check(method, path, got)
        return got

    def expect(self, status, method, path, body=None, headers=None):
        """The body of an answer that has this status."""
        got = self.send(method, path, body, headers)
        assert got.status == status, f"{method} {path}: {got.status}, not {status}: {got.text[:600]}"
        return got.body

    def problem(self, status, code, method, path, body=None, headers=None):
        """A refusal: a problem document with every member that it must have."""
        got = self.send(method, path, body, headers)
        assert got.status == status, f"{method} {path}: {got.status}, not {status}: {got.text[:600]}"
        assert got.headers["content-type"].split(";")[0] == "application/problem+json", got.headers
        for member in ("type", "title", "status", "detail", "instance", "code", "trace_id", "retryable"):
            assert member in got.body, (member, got.body)
        assert got.body["status"] == status and got.body["code"] == code, got.body
        assert re.fullmatch("[A-Z][A-Z0-9_]*", got.body["code"]), got.body
        assert isinstance(got.body["retryable"], bool), got.body
        for flaw in got.body.get("errors", []):
            assert set(flaw) == {"pointer", "message"}, flaw
        return got.body

    def stream(self, path, headers=None):
        """The frames of a stream, as they come, until the server ends it."""
        headers = {"Accept": "text/event-stream", **(headers or {})}
        connection, answer = self.open("GET", path, None, headers, STREAM_TIMEOUT_S)
        assert answer.status == 200, (answer.status, answer.read()[:600])
        assert answer.getheader("Content-Type").startswith("text/event-stream"), answer.getheaders()
        lines = []
        try:
            while line := answer.readline():
                line = line.decode().rstrip("\n")
                if line:
                    lines.append(line)
                    continue
                if lines and not lines[0].startswith("retry"):
                    yield Frame(lines)
                lines = []
        finally:
            connection.close()

    def pages(self, path, limit):
        """Every item of a list, read in pages of this size."""
        items, cursor = [], None
        while True:
            query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            join = "&" if "?" in path else "?"
            page = self.expect(200, "GET", path + join + urllib.parse.urlencode(query))
            assert set(page) == {"items", "next_cursor"}, set(page)
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    def until(self, run, *states):
        """The run, once it is in one of these states."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.expect(200, "GET", "/v1/runs/" + run)
            if found["state"] in states:
                return found
            over = ("succeeded", "failed", "cancelled")
            assert found["state"] not in over, f"not {states}: {found}"
            time.sleep(0.02)
        raise AssertionError(f"{run} is still {found['state']}")

    def _check(self, method, path, got):
        """The answer is of the form that the document promises for its status."""
        operation = self._operation(method, urllib.parse.urlsplit(path).path)
        if operation is None or got.body is None or got.status >= 400:
            return
        promised = operation["responses"].get(str(got.status))
        assert promised is not None, f"{method} {path}: {got.status} is not in the document"
        kind = got.headers.get("content-type", "").split(";")[0]
        content = promised.get("content", {})
        assert kind in content, f"{method} {path}: {kind} is not in the document, {list(content)} are"
        flaw = self._flaw(content[kind].get("schema", {}), got.body, "")
        assert flaw is None, f"{method} {path} is not as documented: {flaw}"

    def _operation(self, method, path):
        best = None
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\\\{[^}]*\\\}|\{[^}]*\}", "[^/]+", template)
            if re.fullmatch(pattern, path) and method.lower() in methods:
                if best is None or template.count("{") < best[0].count("{"):
                    best = (template, methods[method.lower()])
        return best and best[1]

    def _flaw(self, schema, value, where):
        """What of a value does not fit a schema: the first flaw, or none. Members that no schema names are flaws too."""
        if "$ref" in schema:
            return self._flaw(self._named(schema["$ref"]), value, where)
        for choice in ("oneOf", "anyOf"):
            if choice in schema:
                flaws = [self._flaw(it, value, where) for it in schema[choice]]
                return None if None in flaws else flaws[-1]
        if "allOf" in schema:
            schema = self._merged(schema)
        if "enum" in schema and value not in schema["enum"]:
            return f"{where}: {value!r} is none of {schema['enum']}"
        kinds = schema.get("type")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if kinds and not any(fits(kind, value) for kind in kinds):
            return f"{where}: {value!r} is no {kinds}"
        if isinstance(value, list) and "items" in schema:
            flaws = (self._flaw(schema["items"], it, f"{where}/{at}") for at, it in enumerate(value))
            return next((flaw for flaw in flaws if flaw), None)
        if isinstance(value, dict) and "properties" in schema:
            return self._flaw_of_members(schema, value, where)
        return None

    def _flaw_of_members(self, schema, value, where):
        known = schema["properties"]
        for name in schema.get("required", []):
            if name not in value:
                return f"{where}/{name} is missing"
        for name, member in value.items():
            if name not in known:
                return f"{where}/{name} is not documented"
            if flaw := self._flaw(known[name], member, f"{where}/{name}"):
                return flaw
        return None

    def _named(self, reference):
        return self.document["components"]["schemas"][reference.rsplit("/", 1)[1]]

    def _merged(self, schema):
        whole = {"type": "object", "properties": {}, "required": []}
        for part in schema["allOf"]:
            part = self._named(part["$ref"]) if "$ref" in part else part
            part = self._merged(part) if "allOf" in part else part
            whole["properties"].update(part.get("properties", {}))
            whole["required"] += part.get("required", [])
        return whole


def fits(kind, value):
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    types = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    return isinstance(value, types[kind])
