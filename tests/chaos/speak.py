#!/usr/bin/env python3
"""
A probe that lies: speak.py KIND FOLDER, run by an sshd in place of the shell (ForceCommand).

It takes the nonce from the script that it is sent, and answers with a stream that has the form of docs/formats/probe.md
but for what KIND says.  FOLDER has a trace (PRD/D00/work/dev_icm), and beside it trusted.der: certificates in DER.
"""

import base64
import os
import pathlib
import re
import sys
import threading
import time

SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/:+,@-")
VERSION = 2
FOREVER = 600


def encoded(value):
    value = value if isinstance(value, bytes) else str(value).encode()
    return b"".join(bytes([byte]) if byte in SAFE else b"%%%02X" % byte for byte in value)


def header(kind, length, **fields):
    words = [b"%s=%s" % (key.encode(), encoded(value)) for key, value in fields.items() if value is not None]
    return b" ".join([kind.encode(), str(length).encode(), *words]) + b"\n"


def record(kind, payload=b"", length=None, **fields):
    return header(kind, len(payload) if length is None else length, **fields) + payload + b"\n"


class Host:
    """What this host could say, record by record."""

    def __init__(self, root, nonce):
        self.root, self.nonce = pathlib.Path(root), nonce
        self.system = str(self.root / "PRD")
        self.instance = self.system + "/D00"
        self.trace = self.instance + "/work/dev_icm"
        self.store = self.instance + "/sec/SAPSSLC.pse"
        self.content = pathlib.Path(self.trace).read_bytes()
        self.der = (self.root.parent / "trusted.der").read_bytes()

    def records(self, content=None, trace=None, store=None):
        content = self.content if content is None else content
        return [
            record("instance", sid="PRD", name="D00", path=self.instance, user="prdadm"),
            *self.one_trace(content, trace or self.trace),
            *self.one_store(store or self.store),
        ]

    def one_trace(self, content, path):
        return [
            record("trace", content, instance=self.instance, path=path, device=1, inode=2, size=len(content),
                   modified=1780000000, **{"from": 0}),
            record("trace-after", path=path, inode=2, size=len(content)),
        ]

    def one_store(self, path):
        return [
            record("store", instance=self.instance, path=path, device=1, inode=3, size=4000, modified=1780000000,
                   owner="prdadm", mode="600", method="native"),
            self.trusted(self.der),
        ]

    def trusted(self, der, text=None, **more):
        text = base64.encodebytes(der) if text is None else text
        return record("trusted", text, **{"count": self.count(der), "encoding": "base64", "skip": 0, "size": len(der),
                                          **more})

    @staticmethod
    def count(der):
        """How many certificates there are; each begins with 30 82 and two bytes of length."""
        count = at = 0
        while at < len(der):
            at += 4 + int.from_bytes(der[at + 2:at + 4], "big")
            count += 1
        return count

    # The frame around the records.

    def begin(self):
        return b"trustgap-probe %d %s\n" % (VERSION, self.nonce) + record(
            "hello", clock=time.strftime("%Y%m%d%H%M%S", time.gmtime()),
            local=time.strftime("%Y%m%d%H%M%S", time.gmtime()), zone="UTC", rule="UTC0", system="Linux 6.1 x86_64",
            login="prdadm")

    def before(self):
        """Between the greeting and the records of the one system."""
        return record("self-test", encoder="base64", nice=1, shell="sh") + record(
            "system", path=self.system, user="prdadm", through="login") + b"trustgap-system %d\n" % VERSION

    def behind(self, count, nonce=None):
        """After so many records of the one system."""
        return record("end", records=count) + self.over(nonce) + record("end", records=4)

    def over(self, nonce=None):
        return b"\n%s " % (nonce or self.nonce) + record("over", path=self.system, status=0)

    def whole(self, records=None, count=None):
        records = self.records() if records is None else records
        return self.begin() + self.before() + b"".join(records) + self.behind(len(records) if count is None else count)


def say(*pieces):
    for piece in pieces:
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view):]


def hang(seconds=FOREVER):
    """As long as there is an sshd that this speaks through: nothing of a test outlives it."""
    end, parent = time.monotonic() + seconds, os.getppid()
    while time.monotonic() < end and os.getppid() == parent:
        time.sleep(min(0.5, seconds))


KINDS = {}


def kind(function):
    KINDS[function.__name__.replace("_", "-")] = function
    return function


@kind
def fine(host):
    """Nothing is wrong with this one: it shows that the others fail for what is wrong with them."""
    say(host.whole())


@kind
def silent(_host):
    hang()


@kind
def mid_record(host):
    piece = host.whole()
    say(piece[:len(piece) // 2])
    hang()


@kind
def slow_record(host):
    piece = host.whole()
    say(piece[:500])
    for at in range(500, len(piece)):
        say(piece[at:at + 1])
        hang(1)


@kind
def endless_output(_host):
    while True:
        say(b"all work and no play\n" * 3000)


@kind
def endless_stderr(_host):
    os.dup2(2, 1)
    while True:
        say(b"all work and no play\n" * 3000)


@kind
def endless_notes(host):
    say(host.begin() + host.before())
    while True:
        say(record("note", text="one more") * 1000)


@kind
def endless_instances(host):
    say(host.begin() + host.before())
    number = 0
    while True:
        say(b"".join(record("instance", sid="PRD", name="D%d" % n, path="%s/D%d" % (host.system, n), user="prdadm")
                     for n in range(number, number + 1000)))
        number += 1000


@kind
def endless_beats(host):
    say(host.begin() + host.before() + b"".join(host.records()))
    while True:
        say(record("beat"))
        time.sleep(0.5)


@kind
def endless_after_end(host):
    say(host.whole())
    while True:
        say(b"more after the end\n" * 3000)


@kind
def end_twice(host):
    say(host.whole(), host.behind(5))


@kind
def garbage_record(host):
    records = host.records()
    say(host.whole(records[:3] + [b"\x00\xff\x1b[31m garbage that is no record\n\n"] + records[3:]))


@kind
def short_length(host):
    records = host.records()
    records[1] = record("trace", host.content, length=len(host.content) - 100, instance=host.instance, path=host.trace,
                        size=len(host.content), **{"from": 0})
    say(host.whole(records))


@kind
def long_length(host):
    """Reaches over the records that follow, and over the end."""
    records = host.records()
    records[1] = record("trace", host.content, length=len(host.content) + 50000, instance=host.instance,
                        path=host.trace, size=len(host.content), **{"from": 0})
    say(host.whole(records))


def with_length(host, length):
    records = host.records()
    records.insert(3, b"store %s instance=x path=y\n\n" % length)
    say(host.whole(records))


@kind
def huge_length(host):
    with_length(host, b"999999999999999999")


@kind
def huge_trace(host):
    """Claims a trace of 2^62 bytes, and sends what it has."""
    records = host.records()
    records[1] = record("trace", host.content, length=1 << 62, instance=host.instance, path=host.trace, size=1 << 62,
                        **{"from": 0})
    say(host.whole(records))


@kind
def endless_digits(host):
    with_length(host, b"9" * 4000)


@kind
def negative_length(host):
    with_length(host, b"-1")


@kind
def long_header(host):
    records = host.records()
    records.insert(3, b"note 0 text=" + b"x" * 100000 + b"\n\n")
    say(host.whole(records))


@kind
def wrong_count(host):
    say(host.whole(count=77))


@kind
def no_end(host):
    say(host.begin() + host.before() + b"".join(host.records()))


@kind
def wrong_nonce(host):
    host.nonce = b"0" * 32
    say(host.whole())


@kind
def other_version(host):
    say(host.whole().replace(b"trustgap-probe %d" % VERSION, b"trustgap-probe 99", 1))


@kind
def orphans(host):
    """A list that belongs to no store, and the end of a trace that did not begin."""
    say(host.whole([host.trusted(host.der), record("trace-after", path=host.trace, inode=2, size=3),
                    record("own", host.der), record("listing", b"PKList:\n", status=0), *host.records()]))


@kind
def paths_up(host):
    up = "/../" * 12 + "tmp/chaos-was-here"
    say(host.whole(host.records(trace=host.instance + up, store=host.instance + up + ".pse")))


@kind
def paths_with_controls(host):
    strange = "/a\nb\r\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f" + "%s%n"
    records = host.records(trace=host.instance + strange, store=host.instance + strange + ".pse")
    records.append(record("note", text="a\nb \x1b[31mred\x1b[0m \x07 \u202e"))
    records.append(record("store", instance=host.instance, path=host.instance.encode() + b"/\xff\xfe\x00\x01.pse",
                          method="none", reason="no-pse \x1b[31m\n"))
    say(host.whole(records))


@kind
def names_of_4_kb(host):
    long = "/" + "n" * 4090
    say(host.whole(host.records(trace=host.instance + long, store=host.instance + "/\x01" + "\x1b" * 3000 + ".pse")))


PEM = b"-----BEGIN PRIVATE KEY-----\n" + b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n" * 30 + b"-----END PRIVATE KEY-----\n"


@kind
def key_as_trace(host):
    say(host.whole(host.records(content=host.content + PEM)))


@kind
def pse_as_trace(host):
    say(host.whole(host.records(content=(host.root.parent / "canary.pse").read_bytes())))


@kind
def broken_encoding(host):
    records = host.records()
    records[-1] = host.trusted(host.der, text=b"!!!! this is no base64 !!!!\n")
    say(host.whole(records))


@kind
def wrong_size(host):
    records = host.records()
    records[-1] = host.trusted(host.der, size=1 << 40)
    say(host.whole(records))


@kind
def wrong_skip(host):
    records = host.records()
    records[-1] = host.trusted(host.der, skip=9)
    say(host.whole(records))


@kind
def forged_end_of_system(host):
    """One system's user ends his part himself, with a nonce that he does not have, and goes on as somebody else."""
    records = host.records()
    forged = host.behind(len(records), nonce=b"f" * 32) + record("instance", sid="QAS", path="/usr/sap/QAS/D00")
    say(host.begin() + host.before() + b"".join(records) + forged + host.behind(len(records)))


@kind
def other_system(host):
    """One system's user speaks of another system."""
    records = host.records()
    other = str(host.root / "QAS" / "D00")
    records.append(record("instance", sid="QAS", name="D00", path=other, user="qasadm"))
    records.append(record("store", instance=other, path=other + "/sec/SAPSSLC.pse", method="native"))
    records.append(host.trusted(host.der))
    say(host.whole(records))


def read_nonce():
    """Out of the script."""
    script = b""
    found = None
    while not found:
        script += os.read(0, 65536) or sys.exit("no nonce came")
        found = re.search(rb"^tg_nonce='([0-9a-f]{32})'", script, re.M)
    return found.group(1)


def drain():
    while os.read(0, 65536):
        pass


def main():
    kind_of, root = sys.argv[1:]
    nonce = read_nonce()
    threading.Thread(target=drain, daemon=True).start()
    KINDS[kind_of](Host(root, nonce))
    os._exit(0)  # not before the thread has read the rest: nobody waits for it


if __name__ == "__main__":
    main()
