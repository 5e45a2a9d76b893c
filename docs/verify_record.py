#!/usr/bin/env python3
"""Verifies an export of a Chancery record with nothing but public keys.

    verify_record.py EXPORT.ndjson --key VKEY [--key VKEY …] [--witness CHECKPOINT …]

It follows docs/record-format.md and shares no code with the product. It prints one line of JSON and
ends with 0 if the export is sound, with 1 if something is wrong (the line then says the first seq
and the class of what is wrong), and with 2 if it could not do its work.

Python 3.11 or later and its standard library suffice. If the package `cryptography` is there, it
checks the signatures faster; `--pure` goes without it.
"""

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from decimal import Decimal

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

LINE_BYTES_MAX = 16 * 1024 * 1024
INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 64
GENESIS = "sha256:" + "0" * 64

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
ORG = re.compile("org_" + UUID, re.ASCII)
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", re.ASCII)
KIND = re.compile(r"[a-z_]+\.[a-z_]+", re.ASCII)

EVENT_BEGIN = b'{"event":'
EVENT_TAIL = re.compile(rb',"hash":"(sha256:[0-9a-f]{64})"\}', re.ASCII)
TAIL_BYTES = len(b',"hash":"') + 7 + 64 + len(b'"}')


class Fault(Exception):
    """The first thing that is wrong."""

    def __init__(self, seq, reason, detail):
        super().__init__(detail)
        self.seq, self.reason, self.detail = seq, reason, detail


# Canonical JSON: RFC 8785, without integers that a double can't hold.


def read_json(text):
    """Reads JSON strictly: no member twice, no NaN, nothing after the value."""

    def members(pairs):
        names = [name for name, _ in pairs]
        if len(set(names)) != len(names):
            raise ValueError("a member is there twice")
        return dict(pairs)

    def constant(_):
        raise ValueError("not a number of JSON")

    return json.loads(text, object_pairs_hook=members, parse_constant=constant)


def canonical(value, depth_left=DEPTH_MAX + 1):
    if isinstance(value, (dict, list)) and depth_left == 0:
        raise ValueError("too deep")
    if value is None or value is True or value is False or isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise ValueError("beyond 2^53")
        return str(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, depth_left - 1) for item in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    members = (canonical(name) + ":" + canonical(value[name], depth_left - 1) for name in names)
    return "{" + ",".join(members) + "}"


def number(value):
    """A double as ECMAScript prints it."""
    if value in (float("inf"), float("-inf")) or (value.is_integer() and abs(value) > INTEGER_MAX):
        raise ValueError("beyond 2^53")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    _, digits, exponent = Decimal(repr(abs(value))).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    point = len(text) + exponent
    text = text.rstrip("0")
    if len(text) <= point <= 21:
        return sign + text + "0" * (point - len(text))
    if 0 < point <= 21:
        return sign + text[:point] + "." + text[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + text
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    return f"{sign}{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"


# Events.


def is_id(value, prefix):
    return isinstance(value, str) and re.fullmatch(prefix + "_" + UUID, value, re.ASCII)


def is_text(value, pattern):
    return isinstance(value, str) and pattern.fullmatch(value)


def is_positive(value):
    return type(value) is int and 1 <= value <= INTEGER_MAX


def is_content(value):
    return isinstance(value, list) and value and all(is_text(item, DIGEST) for item in value)


REQUIRED = {
    "actor": lambda it: isinstance(it, dict),
    "at": lambda it: is_text(it, TIME),
    "data": lambda it: isinstance(it, dict),
    "id": lambda it: is_id(it, "evt"),
    "kind": lambda it: is_text(it, KIND),
    "org": lambda it: is_id(it, "org"),
    "prev": lambda it: is_text(it, DIGEST),
    "seq": is_positive,
    "subject": lambda it: isinstance(it, str),
    "v": lambda it: type(it) is int and it == 1,
}
OPTIONAL = {
    "content": is_content,
    "run": lambda it: is_id(it, "run"),
    "run_seq": is_positive,
    "session": lambda it: is_id(it, "ses"),
}


def read_event(raw):
    """The event, if the bytes are the canonical form of one; else None."""
    try:
        text = raw.decode("utf-8")
        event = read_json(text)
        if not isinstance(event, dict) or canonical(event) != text:
            return None
    except (ValueError, RecursionError):
        return None
    if not REQUIRED.keys() <= event.keys() <= REQUIRED.keys() | OPTIONAL.keys():
        return None
    checks = REQUIRED | OPTIONAL
    return event if all(checks[name](value) for name, value in event.items()) else None


def read_event_line(line):
    """The event and its hash. Raises the pair of reason and detail as a ValueError."""
    raw, tail = line[len(EVENT_BEGIN) : -TAIL_BYTES], EVENT_TAIL.fullmatch(line[-TAIL_BYTES:])
    if not tail or len(line) < len(EVENT_BEGIN) + TAIL_BYTES:
        raise ValueError("malformed_line", "the line is not that of an event")
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if digest != tail[1].decode():
        raise ValueError("hash_mismatch", "the event's bytes don't have the hash beside them")
    event = read_event(raw)
    if event is None:
        raise ValueError("malformed_event", "the event is not in canonical form")
    return event, digest


# The tree: RFC 6962, section 2.1.


def leaf(digest):
    return hashlib.sha256(b"\x00" + bytes.fromhex(digest.removeprefix("sha256:"))).digest()


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The roots of the perfect subtrees, the largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, value):
        place = self.size
        while place & 1:
            value = node(self.peaks.pop(), value)
            place >>= 1
        self.peaks.append(value)
        self.size += 1

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        value = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            value = node(peak, value)
        return value


def verify_inclusion(value, index, size, proof, root):
    """By RFC 6962's recursive definition: split, and go down to where the leaf is."""

    def climb(index, size, steps):
        if size == 1:
            return value if not steps else None
        if not steps:
            return None
        split = 1 << ((size - 1).bit_length() - 1)
        *rest, beside = steps
        if index < split:
            left = climb(index, split, rest)
            return left and node(left, beside)
        right = climb(index - split, size - split, rest)
        return right and node(beside, right)

    return index < size and climb(index, size, proof) == root


def verify_consistency(old_size, old_root, new_size, new_root, proof):
    """By RFC 6962's recursive definition, building both roots at once."""

    def climb(old, new, whole, steps):
        if old == new:
            if whole:
                return (old_root, old_root) if not steps else None
            return (steps[0], steps[0]) if len(steps) == 1 else None
        if not steps:
            return None
        split = 1 << ((new - 1).bit_length() - 1)
        *rest, beside = steps
        if old <= split:
            below = climb(old, split, whole, rest)
            return below and (below[0], node(below[1], beside))
        below = climb(old - split, new - split, False, rest)
        return below and (node(beside, below[0]), node(beside, below[1]))

    if not 0 < old_size <= new_size:
        return False
    return climb(old_size, new_size, True, proof) == (old_root, new_root)


# Ed25519: RFC 8032, section 5.1.7.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)


def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if square == 0:
        return None if sign else 0
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_MINUS_1 % P
    if (x * x - square) % P:
        return None
    return P - x if (x & 1) != sign else x


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(left, right):
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply(scalar, base):
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = add(total, base)
        base = add(base, base)
        scalar >>= 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def verify_signature(public, message, signature, pure=False):
    if len(public) != 32 or len(signature) != 64:
        return False
    if Ed25519PublicKey is not None and not pure:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            return True
        except (InvalidSignature, ValueError):
            return False
    key, commitment = point(public), point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= L:
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(challenge, "little") % L
    left, right = multiply(scalar, BASE), add(commitment, multiply(challenge, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# Keys, signed notes and checkpoints: c2sp.org/signed-note and c2sp.org/tlog-checkpoint.


def decode64(text):
    """Base64 in its only spelling."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError("not the only spelling")
    return raw


class Key:
    def __init__(self, vkey):
        self.vkey = vkey
        self.name, identity, raw = vkey.split("+", 2)
        raw = decode64(raw)
        self.id = hashlib.sha256(self.name.encode() + b"\n" + raw).digest()[:4]
        if len(raw) != 33 or raw[0] != 1 or self.id.hex() != identity or not is_name(self.name):
            raise ValueError("not a key")
        self.public = raw[1:]


def is_name(name):
    return name and "+" not in name and not any(c.isspace() or ord(c) < 32 for c in name)


class Note:
    def __init__(self, text, pure):
        if any(c < " " and c != "\n" for c in text):
            raise ValueError("a control character")
        signed, separator, lines = text.rpartition("\n\n")
        if not separator or not signed or not lines.endswith("\n"):
            raise ValueError("not a note")
        self.text, self.pure, self.signatures = signed + "\n", pure, []
        for line in lines[:-1].split("\n"):
            mark, name, raw = line.split(" ", 2)
            raw = decode64(raw)
            if mark != "\u2014" or not is_name(name) or len(raw) < 5:
                raise ValueError("not a signature")
            self.signatures.append((name, raw[:4], raw[4:]))
        if len(self.signatures) > 64:
            raise ValueError("too many signatures")

    def signed_by(self, key):
        """True, False, or None if the key did not sign."""
        mine = [raw for name, id, raw in self.signatures if (name, id) == (key.name, key.id)]
        message = self.text.encode()
        checks = [verify_signature(key.public, message, raw, self.pure) for raw in mine]
        return all(checks) if checks else None


class Checkpoint:
    def __init__(self, text, pure):
        self.note = Note(text, pure)
        self.origin, size, root, end = self.note.text.split("\n")
        self.size, self.root = int(size), decode64(root)
        if end or not self.origin or str(self.size) != size or self.size < 0 or len(self.root) != 32:
            raise ValueError("not a checkpoint")


# The export.


def members(value, required, optional=()):
    if not isinstance(value, dict) or not set(required) <= value.keys() <= {*required, *optional}:
        raise ValueError("other members")
    return value


def read_header(line):
    header = members(read_json(line.decode("utf-8")), ["chancery_export", "org", "from_seq", "to_seq", "keys"])
    first, last, keys = header["from_seq"], header["to_seq"], header["keys"]
    if type(header["chancery_export"]) is not int or header["chancery_export"] != 1:
        raise ValueError("another version")
    if not is_text(header["org"], ORG) or not is_positive(first):
        raise ValueError("no organisation or no range")
    if type(last) is not int or not first - 1 <= last <= INTEGER_MAX:
        raise ValueError("no range")
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) for key in keys):
        raise ValueError("no keys")
    return header


def read_proof(steps):
    if not isinstance(steps, list):
        raise ValueError("not a proof")
    proof = [decode64(step) for step in steps]
    if any(len(step) != 32 for step in proof):
        raise ValueError("not a hash")
    return proof


def read_footer(line):
    footer = members(
        read_json(line.decode("utf-8")), ["checkpoint"], ["consistency", "inclusion", "rotations"]
    )
    footer = {"consistency": [], "inclusion": None, "rotations": []} | footer
    texts = [footer["checkpoint"]]
    footer["consistency"] = {
        members(it, ["proof", "size"])["size"]: read_proof(it["proof"]) for it in reversed(footer["consistency"])
    }
    if footer["inclusion"] is not None:
        proofs = members(footer["inclusion"], ["first", "last"])
        footer["inclusion"] = {name: read_proof(proof) for name, proof in proofs.items()}
    for it in footer["rotations"]:
        members(it, ["consistency", "event", "inclusion", "note"])
        texts += [it["event"], it["note"]]
        it["consistency"], it["inclusion"] = read_proof(it["consistency"]), read_proof(it["inclusion"])
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("not text")
    return footer


class Verifier:
    def __init__(self, keys, witnesses=(), pure=False):
        self.trusted, self.witnesses, self.pure = set(keys), witnesses, pure
        self.header, self.closed, self.events, self.checkpoint = None, False, 0, None
        self.next, self.head, self.tree = 1, None, Tree()
        self.first = self.last = None
        self.rotations, self.roots = [], {}

    def run(self, stream):
        report = {"ok": True, "seq": None, "line": None, "reason": None, "detail": None}
        lines, number = iter(lambda: stream.readline(LINE_BYTES_MAX + 1), b""), 0
        try:
            for line in lines:
                number += 1
                self.take(line)
            number += 1
            if not self.closed:
                raise Fault(self.missing(), "truncated", "it ends without a checkpoint")
        except Fault as fault:
            reason = fault.reason
            if reason == "gap" and self.comes_later(lines, fault.seq):
                reason = "reordered"
            report |= {"ok": False, "seq": fault.seq, "line": number}
            report |= {"reason": reason, "detail": fault.detail}
        return report | {"events": self.events, "size": self.checkpoint and self.checkpoint.size}

    def missing(self):
        return self.next if self.header and self.next <= self.header["to_seq"] else None

    @staticmethod
    def comes_later(lines, seq):
        for line in lines:
            if line.startswith(EVENT_BEGIN) and line.endswith(b"\n"):
                try:
                    if read_event_line(line[:-1])[0]["seq"] == seq:
                        return True
                except ValueError:
                    pass
        return False

    def take(self, line):
        if not line.endswith(b"\n"):
            if len(line) > LINE_BYTES_MAX:
                raise Fault(self.missing(), "malformed_line", "the line is too long")
            if self.closed:
                raise Fault(None, "malformed_line", "there is a line after the last")
            raise Fault(self.missing(), "truncated", "the last line is cut")
        line = line[:-1]
        if self.header is None:
            try:
                self.header = read_header(line)
            except (ValueError, RecursionError) as error:
                raise Fault(None, "malformed_line", f"not the first line of an export: {error}") from error
            self.next = self.header["from_seq"]
            self.head = GENESIS if self.next == 1 else None
        elif self.closed:
            raise Fault(None, "malformed_line", "there is a line after the last")
        elif line.startswith(EVENT_BEGIN):
            try:
                event, digest = read_event_line(line)
            except ValueError as error:
                raise Fault(self.next, *error.args) from error
            self.take_event(event, digest)
        else:
            try:
                footer = read_footer(line)
            except (ValueError, TypeError, RecursionError) as error:
                raise Fault(self.missing(), "malformed_line", f"not the last line: {error}") from error
            if self.missing():
                raise Fault(self.next, "truncated", f"the events end before {self.next}")
            self.close(footer)

    def take_event(self, event, digest):
        seq = event["seq"]
        if event["org"] != self.header["org"]:
            raise Fault(self.next, "foreign_org", f"an event of {event['org']}")
        if self.next > self.header["to_seq"]:
            raise Fault(self.next, "beyond_range", "an event after the last")
        if seq != self.next:
            reason = "gap" if seq > self.next else "duplicate"
            raise Fault(self.next, reason, f"{seq} stands where {self.next} is expected")
        if self.head is not None and event["prev"] != self.head:
            raise Fault(seq, "broken_chain", "it does not name the hash of the event before it")
        self.last = leaf(digest)
        self.first = self.first or self.last
        if event["kind"] == "log.key_rotated":
            self.rotations.append(seq)
        if self.tree.size + 1 == seq:
            self.tree.push(self.last)
            if any(it.size == seq for it in self.witnesses):
                self.roots[seq] = self.tree.root()
        self.head, self.next, self.events = digest, seq + 1, self.events + 1

    def close(self, footer):
        try:
            checkpoint = Checkpoint(footer["checkpoint"], self.pure)
        except ValueError as error:
            raise Fault(None, "bad_checkpoint", "the checkpoint is not a signed one") from error
        if checkpoint.size < self.header["to_seq"]:
            raise Fault(None, "bad_checkpoint", "the checkpoint covers fewer events than these")
        if checkpoint.origin != "chancery/log/" + self.header["org"]:
            raise Fault(None, "foreign_org", f"the checkpoint is that of {checkpoint.origin}")
        keys = self.read_keys(footer, checkpoint)
        self.check_signatures(keys, checkpoint)
        self.check_events(footer, checkpoint)
        self.check_witnesses(footer, checkpoint)
        self.closed, self.checkpoint = True, checkpoint

    def read_keys(self, footer, checkpoint):
        """The log's keys, each with the sizes of the checkpoints that it may sign."""
        try:
            keys = [Key(vkey) for vkey in self.header["keys"]]
        except ValueError as error:
            raise Fault(None, "bad_rotation", "one of the log's keys is not a key") from error
        if any(key.name != checkpoint.origin for key in keys):
            raise Fault(None, "foreign_org", "one of the keys is another log's")
        if len(keys) != len(footer["rotations"]) + 1:
            raise Fault(None, "bad_rotation", "there is not one rotation between each two keys")
        ranges, seqs = [], [0]
        for old, new, rotation in zip(keys, keys[1:], footer["rotations"]):
            try:
                seq, size = self.check_rotation(old, new, rotation, checkpoint)
            except (ValueError, TypeError, KeyError) as error:
                detail = "a key's handing over to the next does not hold"
                raise Fault(None, "bad_rotation", detail) from error
            if seq <= seqs[-1]:
                raise Fault(None, "bad_rotation", "the rotations are not in order")
            ranges.append((old, seqs[-1], size))
            seqs.append(seq)
        for seq in self.rotations:
            if seq not in seqs:
                raise Fault(seq, "bad_rotation", "the event rotates the key and the last line is silent")
        return [*ranges, (keys[-1], seqs[-1], None)]

    def check_rotation(self, old, new, rotation, checkpoint):
        raw = rotation["event"].encode("utf-8")
        event, handover = read_event(raw), Checkpoint(rotation["note"], self.pure)
        seq, value = event["seq"], leaf(hashlib.sha256(raw).hexdigest())
        sound = (
            event["data"] == {"new_key": new.vkey, "old_key": old.vkey}
            and event["kind"] == "log.key_rotated"
            and event["org"] == self.header["org"]
            and handover.origin == checkpoint.origin
            and handover.note.signed_by(old) is True
            and handover.note.signed_by(new) is True
            and verify_inclusion(value, seq - 1, handover.size, rotation["inclusion"], handover.root)
            and verify_consistency(
                handover.size, handover.root, checkpoint.size, checkpoint.root, rotation["consistency"]
            )
        )
        if not sound:
            raise ValueError("not sound")
        return seq, handover.size

    def check_signatures(self, keys, checkpoint):
        trusted = signed = False
        for key, from_size, to_size in keys:
            trusted = trusted or key.vkey in self.trusted
            in_time = from_size <= checkpoint.size and (to_size is None or checkpoint.size <= to_size)
            verdict = checkpoint.note.signed_by(key) if trusted and in_time else None
            if verdict is False:
                raise Fault(None, "bad_signature", f"the signature in the name of {key.vkey} is not its own")
            signed = signed or verdict is True
        if not signed:
            raise Fault(None, "unknown_key", "no key that is trusted for a checkpoint of this size signed it")

    def check_events(self, footer, checkpoint):
        first, last = self.header["from_seq"], self.header["to_seq"]
        if first == 1 and last == checkpoint.size:
            if self.tree.root() != checkpoint.root:
                raise Fault(None, "wrong_root", "the events don't make the checkpoint's root")
            return
        if self.first is None:
            raise Fault(None, "bad_proof", "there is no event to prove")
        proofs = footer["inclusion"]
        if proofs is None:
            if first == 1:
                raise Fault(last + 1, "truncated", f"the checkpoint covers {checkpoint.size} events")
            raise Fault(None, "bad_proof", "nothing ties the events to the checkpoint")
        for seq, value, proof in ((first, self.first, proofs["first"]), (last, self.last, proofs["last"])):
            if not verify_inclusion(value, seq - 1, checkpoint.size, proof, checkpoint.root):
                raise Fault(seq, "bad_proof", "it is not in the checkpoint's tree")

    def check_witnesses(self, footer, checkpoint):
        for witness in self.witnesses:
            if witness.origin != checkpoint.origin:
                raise Fault(None, "foreign_org", "the witness saw another log")
            if checkpoint.size < witness.size:
                detail = f"a witness saw {witness.size} events, now there are {checkpoint.size}"
                raise Fault(None, "rolled_back", detail)
            if witness.size in self.roots:
                same = self.roots[witness.size] == witness.root
            else:
                proof = footer["consistency"].get(witness.size)
                if proof is None and witness.size == checkpoint.size:
                    proof = []
                if proof is None:
                    detail = f"nothing ties the checkpoint to the one of size {witness.size}"
                    raise Fault(None, "bad_proof", detail)
                same = verify_consistency(
                    witness.size, witness.root, checkpoint.size, checkpoint.root, proof
                )
            if not same:
                detail = f"the first {witness.size} events are not those that a witness saw"
                raise Fault(None, "forked", detail)


def main(arguments):
    parser = argparse.ArgumentParser(description="Verifies an export of a Chancery record.")
    parser.add_argument("export", help="the NDJSON file, or - for the standard input")
    parser.add_argument("--key", action="append", required=True, help="a vkey that you trust")
    parser.add_argument("--witness", action="append", default=[], help="a file with a checkpoint kept elsewhere")
    parser.add_argument("--pure", action="store_true", help="don't use the package `cryptography`")
    options = parser.parse_args(arguments)
    try:
        for vkey in options.key:
            Key(vkey)
        witnesses = []
        for path in options.witness:
            with open(path, encoding="utf-8", newline="") as file:
                witnesses.append(Checkpoint(file.read(), options.pure))
        verifier = Verifier(options.key, witnesses, options.pure)
        if options.export == "-":
            report = verifier.run(sys.stdin.buffer)
        else:
            with open(options.export, "rb") as file:
                report = verifier.run(file)
    except (OSError, ValueError, binascii.Error) as error:
        print(f"verify_record: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
