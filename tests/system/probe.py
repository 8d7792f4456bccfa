#!/usr/bin/env python3
"""
Tests of collector/probe.sh in each shell that this machine has.  Prints TAP.

    probe.py PROBE.SH MAKE-PSE SAPGENPSE [WORD...]      only the tests whose names contain one of the words

Every output of every run is searched for the canary that stands in the place of the private keys.
"""

import base64
import hashlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

PROBE, MAKE_PSE, SAPGENPSE = (str(pathlib.Path(p).resolve()) for p in sys.argv[1:4])
SHELLS = {name: shutil.which(name.split()[0]) for name in ["dash", "bash", "ksh93", "mksh", "busybox sh"]}
FIRST = next(name for name, path in SHELLS.items() if path)
NONCE = "0123456789abcdef0123456789abcdef"
CANARY = bytes(hashlib.sha256(b"half %d" % i).digest()[j] for i in range(2) for j in range(32))
PARTS = [CANARY[half + i:half + i + 8] for half in (0, 32) for i in range(25)]
NOBODY = 65534
ROOT_USER = os.getuid() == 0


# --- What the probe says -----------------------------------------------------------------------------------------------

class Record:
    def __init__(self, kind, fields, body):
        self.kind, self.fields, self.body = kind, fields, body

    def __getitem__(self, key):
        return self.fields[key]

    def get(self, key):
        return self.fields.get(key)


VALUE = re.compile(rb"(?:[A-Za-z0-9._/:+,@-]|%[0-9A-F]{2})*")
OUTER = {"hello", "self-test", "note", "beat", "system", "over", "end"}
INNER = {"instance", "trace", "trace-after", "trace-unread", "store", "trusted", "own", "listing", "note", "beat", "end"}


def take_record(stream, at, known):
    """The record that begins there, and where the next one does."""
    line_end = stream.index(b"\n", at)
    assert line_end - at <= 16384
    words = stream[at:line_end].split(b" ")
    kind, length = words[0].decode(), int(words[1])
    assert kind in known, kind
    fields = {}
    for word in words[2:]:
        key, equals, value = word.partition(b"=")
        assert equals and re.fullmatch(rb"[a-z]+", key) and VALUE.fullmatch(value), word
        assert key not in fields
        fields[key.decode()] = os.fsdecode(urllib.parse.unquote_to_bytes(value.decode()))
    body = stream[line_end + 1:line_end + 1 + length]
    assert len(body) == length, "%s: %d of %d bytes" % (kind, len(body), length)
    at = line_end + 1 + length
    assert stream[at:at + 1] == b"\n", "%s: %r" % (kind, stream[at:at + 40])
    return Record(kind, fields, body), at + 1


def decode(record):
    """The payload of a list, as the collector takes it."""
    if record.kind in ("trusted", "own"):
        assert record["encoding"] == "base64" and re.fullmatch(rb"(?:[A-Za-z0-9+/]*\n)*", record.body), record.body[:99]
        skip, size = int(record["skip"]), int(record["size"])
        text = record.body.replace(b"\n", b"")
        assert len(text) % 4 == 0 and 0 <= skip <= 2
        whole = base64.b64decode(text, validate=True)
        assert 0 <= len(whole) - skip - size <= 2, (len(whole), skip, size)
        assert not whole[:skip].strip(b"\0") and not whole[skip + size:].strip(b"\0"), "foreign bytes"
        record.body = whole[skip:skip + size]


def parse_inner(stream, path, complete):
    first = b"trustgap-system 2\n"
    if not complete and not stream.startswith(first):
        return []
    assert stream.startswith(first), stream[:200]
    at, found = len(first), []
    while at < len(stream):
        try:
            record, at = take_record(stream, at, INNER)
        except (ValueError, AssertionError):
            if complete:
                raise
            return found
        if record.kind == "end":
            assert int(record["records"]) == len(found)
            assert at == len(stream), stream[at:at + 80]
            return found
        decode(record)
        for key in ("path", "instance"):
            if key in record.fields:
                assert (record[key] + "/").startswith(path.rstrip("/") + "/"), (record[key], path)
        found.append(record)
    assert not complete, "no last record of %s" % path
    return found


def parse(stream, complete=True):
    """The records of a stream, read strictly after docs/formats/probe.md, those of the systems among the others; without
    the frame (self-test, system, over, end) and heartbeats."""
    first = b"trustgap-probe 2 %s\n" % NONCE.encode()
    assert stream.startswith(first), stream[:200]
    at, found, count, parse.frames = len(first), [], 0, []
    while at < len(stream):
        record, at = take_record(stream, at, OUTER)
        if record.kind == "end":
            assert int(record["records"]) == count, (count, record.fields)
            assert at == len(stream), stream[at:at + 80]
            return [r for r in found if r.kind != "beat"]
        count += 1
        if record.kind == "self-test":
            parse.self_test = record
        elif record.kind == "system":
            end = stream.find(b"\n%s over " % NONCE.encode(), at)
            assert end >= 0, "no terminator of %s" % record["path"]
            over, after = take_record(stream, end + 2 + len(NONCE), {"over"})
            assert over["path"] == record["path"]
            inner = parse_inner(stream[at:end], record["path"], over.get("reason") is None)
            parse.frames.append((record, over, inner))
            found += inner
            at, count = after, count + 1
        else:
            found.append(record)
    assert not complete, "no last record"
    return found


class Answer:
    """The records of a run, put in order."""

    def __init__(self, records):
        self.records = records
        self.stores, self.traces, self.unread, self.notes = {}, {}, {}, []
        self.instances = [r for r in records if r.kind == "instance"]
        instance = store = None
        for record in records:
            if record.kind == "instance":
                instance = record["path"]
            elif record.kind == "store":
                assert record["instance"] == instance
                assert record["path"] not in self.stores
                store = self.stores[record["path"]] = record
                store.trusted = store.own = store.listing = None
            elif record.kind in ("trusted", "own", "listing"):
                assert getattr(store, record.kind) is None
                setattr(store, record.kind, record)
            elif record.kind in ("trace", "trace-unread"):
                assert record["instance"] == instance
                (self.traces if record.kind == "trace" else self.unread)[record["path"]] = record
            elif record.kind == "trace-after":
                self.traces[record["path"]].after = record
            elif record.kind == "note":
                self.notes.append(record)
        for store in self.stores.values():
            assert (store["method"] == "native") == (store.trusted is not None)
            assert (store["method"] == "none") == (store.get("reason") is not None)
            assert (store.listing is not None) == (store["method"] == "sapgenpse"
                                                   or store.get("reason") == "sapgenpse-failed")

    def store(self, path):
        return self.stores[os.fspath(path)]

    def outcome(self, path):
        """Method, and the reason's first word."""
        store = self.store(path)
        return store["method"], (store.get("reason") or "").split(" ")[0]


def script(root, trace_bytes=100000, become=False, tool_seconds=120, **more):
    text = pathlib.Path(PROBE).read_text()
    variables = {"tg_nonce": NONCE, "tg_root": os.fspath(root), "tg_trace_bytes": str(trace_bytes),
                 "tg_become": "1" if become else "0", "tg_tool_seconds": str(tool_seconds)}
    if become:
        variables["tg_script"] = text
    variables.update(more)
    return os.fsencode("".join("%s='%s'\n" % (k, v.replace("'", "'\\''")) for k, v in variables.items()) + text)


def no_canary(text, where):
    for part in PARTS:
        spellings = [part, part.hex().encode(), part.hex().upper().encode(), part.hex(" ").encode(),
                     part.hex(":").upper().encode(), b"".join(b"\\%03o" % b for b in part)]
        for spelling in spellings:
            assert spelling not in text, "a piece of the key is in " + where


def run(text, shell=FIRST, path=None, nobody=False, limit=600, env=None, prefix=(), leave=False):
    """Run a script in a shell as the collector does; return what came on standard output."""
    words = shell.split()
    command = list(prefix) + [SHELLS[shell]] + words[1:]
    if nobody and ROOT_USER:
        command = ["setpriv", "--reuid=%d" % NOBODY, "--regid=%d" % NOBODY, "--clear-groups"] + command
    environment = {"PATH": path or os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC", **(env or {})}
    environment = {key: value for key, value in environment.items() if value is not None}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment, start_new_session=True) as process:
        try:
            out, errors = process.communicate(text, timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    no_canary(out, "standard output")
    no_canary(errors, "standard error")
    run.errors = errors
    patience = time.monotonic() + 60  # what was killed may need a moment, and a busy machine more
    while not leave and (left := processes_of(process.pid)):
        assert time.monotonic() < patience, "left behind: %s" % left
        time.sleep(0.01)
    return out


def processes_of(session):
    """State and name of all processes of a session; not the dead ones that nobody has waited for yet."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")
            if words[2].split()[3] == str(session) and words[2].split()[0] != "Z":
                found.append(words[0] + words[2][:2])
        except (OSError, IndexError):
            pass
    return found


def ask(root, shell=FIRST, path=None, nobody=False, env=None, **variables):
    out = run(script(root, **variables), shell, path, nobody, env=env)
    assert run.errors == b"", run.errors
    return Answer(parse(out))


# --- What there is to find ---------------------------------------------------------------------------------------------

class Cert:
    def __init__(self, pem):
        self.pem = pem
        self.der = subprocess.run(["openssl", "x509", "-in", pem, "-outform", "DER"], stdout=subprocess.PIPE,
                                  check=True).stdout


class Material:
    """Certificates and a key, made once."""

    def __init__(self, folder):
        self.folder = folder
        self.own = self.make("own", "/C=DE/O=Example, Inc./CN=app", "rsa:2048")
        self.key = folder / "own.key"
        self.roots = [self.make("r1", "/C=DE/CN=Root 1", "ec"), self.make("r2", "/C=US/O=B/CN=Root 2", "ec"),
                      self.own]
        self.bundle = folder / "bundle.pem"
        self.bundle.write_text("".join(r.pem.read_text() for r in self.roots))

    def make(self, name, subject, kind):
        more = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else []
        subprocess.run(["openssl", "req", "-x509", "-newkey", kind, *more, "-nodes", "-keyout",
                        self.folder / (name + ".key"), "-out", self.folder / (name + ".pem"), "-subj", subject],
                       stderr=subprocess.DEVNULL, check=True)
        return Cert(self.folder / (name + ".pem"))

    @staticmethod
    def list_of(certs):
        return b"".join(sorted(c.der for c in certs))


def make_pse(path, *arguments, trust=(), canary=True):
    command = [MAKE_PSE, *map(str, arguments)]
    if canary:
        command += ["--canary", CANARY.hex()]
    for cert in trust:
        command += ["--trust", str(cert.pem)]
    subprocess.run(command + ["-o", os.fspath(path)], check=True)
    return path


def instance(root, sid, name):
    folder = root / sid / name
    for part in ("work", "sec", "exe"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    return folder


def standin(folder):
    shutil.copy(SAPGENPSE, folder / "exe" / "sapgenpse")


def der(tag, *parts):
    value = b"".join(parts)
    size = len(value)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + head + value


def elements(value):
    """The elements of a constructed value, whole."""
    found = []
    while value:
        length, start = value[1], 2
        if length >= 128:
            start = 2 + (length & 127)
            length = int.from_bytes(value[2:start], "big")
        found.append(value[:start + length])
        value = value[start + length:]
    return found


def inside(element):
    return element[2 if element[1] < 128 else 2 + (element[1] & 127):]


class Forge:
    """A PSE of version 2 whose objects can be exchanged."""

    def __init__(self, pse):
        content = elements(inside(elements(inside(pse))[1]))
        self.head, self.objects = content[:-1], {}
        for one in elements(inside(content[-1])):
            self.objects[inside(elements(inside(one))[0]).decode()] = one

    def build(self, *objects):
        return der(0x30, b"\x02\x01\x02", der(0x30, *self.head, der(0x31, *objects)))

    def object(self, name, like, value):
        """An object called name with the identifier of another and this value."""
        parts = elements(inside(self.objects[like]))
        return der(0x30, der(0x13, name.encode()), parts[1], parts[2], value)

    def value(self, name):
        return elements(inside(self.objects[name]))[3]


# --- Tests -------------------------------------------------------------------------------------------------------------

TESTS = []


def test(function):
    TESTS.append((function.__name__.replace("_", " "), function, None))
    return function


def in_each_shell(function):
    for shell in SHELLS:
        TESTS.append(("%s: %s" % (shell, function.__name__.replace("_", " ")), function, shell))
    return function


LISTING = ' maintain_pk for PSE "x"\nPKList:\n Version:      3\n Subject:      CN=\xfc, C=DE\n'.encode("latin-1")


OTHERS = ("trans", "prd", "PR", "PRDX", "1AB", "ccms")


class Everything:
    """One root with one of each; what the probe has to say of it is written beside it."""

    def __init__(self, folder, material):
        self.root = root = folder / "usr-sap"
        self.expect = {}  # path -> method, reason, trusted, own
        d00 = instance(root, "PRD", "D00")
        standin(d00)
        sec, roots = d00 / "sec", material.roots
        whole = material.list_of(roots)

        def native(path, *arguments, trust=roots, own=None, **more):
            make_pse(path, *arguments, *(["--own", own.pem] if own else []), trust=trust, **more)
            self.expect[path] = ("native", "", material.list_of(trust), own.der if own else None)

        def unread(path, reason, *arguments):
            make_pse(path, *arguments, trust=roots)
            self.expect[path] = ("none", reason, None, None)

        native(sec / "SAPSSLC.pse", own=material.own)
        native(sec / "SAPSSLA.pse", "--version", 4, own=material.own)
        native(sec / "SAPVERIFY.pse", canary=False)
        native(sec / "verify4.pse", "--version", "4", canary=False)
        native(sec / "empty.pse", trust=[])
        native(sec / "one.pse", trust=roots[:1])
        native(sec / "nolist.pse", "--no-pklist", trust=[], own=material.own)
        native(sec / "sk.pse", "--order", "sk-first", own=material.own)
        native(sec / "list.pse", "--order", "list-first", own=material.own)
        native(sec / "realkey.pse", "--key", material.key, own=material.own, canary=False)
        for name in ["a'b.pse", 'q"u.pse', "new\nline\n.pse", "-n.pse", "*.pse", "$(echo x).pse", "`id`.pse", "%41.pse",
                     "b\\n\\060.pse", " blank .pse", "[a].pse", ".pse"[1:] + ".pse", os.fsdecode(b"\xfc\xff.pse"),
                     "\u20ac.pse", ";reboot.pse", "~.pse"]:
            native(sec / name, trust=roots[:2])
        unread(sec / "pin2.pse", "needs-pin", "--pin")
        unread(sec / "pin4.pse", "needs-pin", "--pin", "--version", "4")
        unread(sec / "lps.pse", "needs-pin", "--lps")
        for name, arguments in {"cred2": ["--pin"], "cred4": ["--pin", "--version", 4], "credlps": ["--lps"],
                                "stderr": ["--pin"], "prompts": ["--pin"]}.items():
            path = make_pse(sec / (name + ".pse"), *arguments, trust=roots)
            (sec / (name + ".pse.pem")).touch()  # the stand-in's credential
            (sec / (name + ".pse.answer")).write_bytes(LISTING)
            self.expect[path] = ("sapgenpse", "", LISTING, None)
        (sec / "stderr.pse.stderr").touch()
        (sec / "prompts.pse.prompts").touch()
        odd = make_pse(sec / "odd.pse", "--pin", trust=roots)
        (sec / "odd.pse.pem").touch()
        (sec / "odd.pse.answer").write_bytes(b" PKList updated (1 entries total, 1 newly added)\n")
        self.expect[odd] = ("none", "sapgenpse-failed", None, None)
        for name, content in {"nothing": b"", "text": b"-----BEGIN CERTIFICATE-----\n", "zero": bytes(100),
                              "der": der(0x30, der(0x30, b"\x02\x01\x02"))}.items():
            (sec / (name + ".pse")).write_bytes(content)
            self.expect[sec / (name + ".pse")] = ("none", "no-pse", None, None)
        (sec / "v3.pse").write_bytes(der(0x30, b"\x02\x01\x03", der(0x30)))
        self.expect[sec / "v3.pse"] = ("none", "unknown-version", None, None)
        with open(sec / "big.pse", "wb") as big:
            big.write(b"\x30\x83")
            big.truncate(8 * 1024 * 1024 + 1)
        self.expect[sec / "big.pse"] = ("none", "too-large", None, None)
        os.mkfifo(sec / "SecStoreDBKey.pse")  # whoever opens it waits for ever
        os.mkfifo(sec / "fifo.pse")
        (sec / "folder.pse").mkdir()
        (sec / "dangling.pse").symlink_to("nowhere")
        (sec / "notes.txt").write_text("x")
        self.expect[sec / "dangling.pse"] = ("none", "link", None, None)
        for name in ("fifo", "folder"):
            self.expect[sec / (name + ".pse")] = ("none", "no-pse", None, None)
        os.link(sec / "SAPSSLC.pse", sec / "zlink.pse")  # one file by two and three names
        (sec / "zsymlink.pse").symlink_to("SAPSSLC.pse")

        self.trace = b"".join(b"[Thr %d] line\n" % i for i in range(9000)) + b"\0\xff end"
        (d00 / "work" / "dev_icm").write_bytes(self.trace)
        (d00 / "work" / "dev_icm.old").write_bytes(self.trace[:1000])
        (d00 / "work" / "dev_webdisp").touch()
        os.mkfifo(d00 / "work" / "dev_webdisp.old")
        (d00 / "work" / "dev_w0").write_text("not asked for")
        (d00 / "loop").symlink_to("..")

        elsewhere = instance(folder, "real", "D01")
        (root / "PRD" / "DVEBMGS01").symlink_to(elsewhere)
        native(root / "PRD" / "DVEBMGS01" / "sec" / "SAPSSLC.pse")
        (root / "PRD" / "W21").symlink_to(".")
        hana = instance(root, "H1A", "HDB00")
        for part in ("hana01/sec", "hana01/trace"):
            (hana / part).mkdir(parents=True)
        native(hana / "hana01" / "sec" / "sapsrv.pse", trust=roots[:1])
        (hana / "hana01" / "trace" / "dev_webdisp").write_bytes(b"[Thr 1] hana\n")
        (hana / "sec" / "again.pse").symlink_to("../hana01/sec/sapsrv.pse")
        self.hana_again = hana / "sec" / "again.pse"
        instance(root, "QAS", "ASCS02")
        for name in ("SYS/exe", "D0", "D000", "d00", "XD00", "SMDA97"):
            (root / "PRD" / name).mkdir(parents=True)
        for name in OTHERS:  # no systems by their names
            instance(root, name, "D00")
            native(root / name / "D00" / "sec" / "SAPSSLC.pse")
        (root / "hostctrl" / "exe" / "sec").mkdir(parents=True)
        native(root / "hostctrl" / "exe" / "sec" / "SAPSSLS.pse", own=material.own)

    def check(self, answer, full=True):
        expect = dict(self.expect)
        self.stores(answer, expect, full)
        assert [(i.get("sid"), i["name"]) for i in answer.instances] == sorted([
            ("H1A", "HDB00"), ("PRD", "D00"), ("PRD", "DVEBMGS01"), ("PRD", "W21"), ("QAS", "ASCS02"),
            (None, "hostctrl"), *((None, name + "/D00") for name in OTHERS)],
            key=lambda row: (row[0] or row[1], row[1])), [i.fields for i in answer.instances]
        work = os.fspath(self.root / "PRD" / "D00" / "work")
        assert set(answer.traces) == {work + "/dev_icm", work + "/dev_icm.old", work + "/dev_webdisp",
                                      os.fspath(self.root / "H1A/HDB00/hana01/trace/dev_webdisp")}
        assert {p: r["reason"] for p, r in answer.unread.items()} == {work + "/dev_webdisp.old": "not-a-file"}
        icm = answer.traces[work + "/dev_icm"]
        assert icm.body == self.trace[-100000:]
        assert int(icm["from"]) == len(self.trace) - 100000 and int(icm["size"]) == len(self.trace)
        assert icm.after["size"] == icm["size"] and icm.after["inode"] == icm["inode"]
        assert answer.traces[work + "/dev_icm.old"].body == self.trace[:1000]
        assert answer.traces[work + "/dev_icm.old"]["from"] == "0"
        assert answer.traces[work + "/dev_webdisp"].body == b""
        assert [(n["reason"], n["path"]) for n in answer.notes] == [
            ("no-trace", os.fspath(self.root / "PRD" / name)) for name in ("DVEBMGS01", "W21")], \
            [n.fields for n in answer.notes]

    def stores(self, answer, expect, full):
        if full:  # the first name wins; the others are the same file
            got = set(answer.stores)
            twins = {os.fspath(self.hana_again): self.root / "H1A/HDB00/hana01/sec/sapsrv.pse"}
            for path, first in twins.items():
                assert (path in got) != (os.fspath(first) in got)
                if path in got:
                    expect[pathlib.Path(path)] = expect.pop(first)
            assert got == {os.fspath(p) for p in expect}, got ^ {os.fspath(p) for p in expect}
        for path, (method, reason, content, own) in expect.items():
            store = answer.store(path)
            assert answer.outcome(path) == (method, reason), "%s: %s" % (path, store.fields)
            if not os.path.exists(path):
                continue
            status = os.stat(path)
            assert int(store["inode"]) == status.st_ino and int(store["size"]) == status.st_size
            if full:
                assert int(store["device"]) == status.st_dev and int(store["modified"]) == int(status.st_mtime)
                assert int(store["mode"], 8) == status.st_mode & 0o7777
            if method == "native":
                assert store.trusted.body == content, path
                assert int(store.trusted["count"]) == len(elements(content))
                assert (store.own.body if store.own else None) == own, path
            if method == "sapgenpse":
                assert store.listing.body.endswith(content) and store.listing["status"] == "0", store.listing.body


def steady(out):
    """An output without what differs between two runs."""
    return re.sub(rb" (clock|local)=\d+", b"", out)


@in_each_shell
def everything(context, shell):
    log = context.folder / "standin.log"
    log.unlink(missing_ok=True)
    out = run(script(context.everything.root), shell, env={"TG_STANDIN_LOG": str(log)})
    assert run.errors == b"", run.errors
    context.everything.check(Answer(parse(out)))
    for line in log.read_text().splitlines():
        assert re.fullmatch(r"maintain_pk -l -p /\S*( -x )?", line), "%r was called" % line
    context.outputs[shell] = steady(out)
    first = next(iter(context.outputs))
    assert context.outputs[shell] == context.outputs[first], "differs from " + first


@in_each_shell
def writes_no_file(context, shell):
    """No regular file can grow here, so a here-document in a temporary file would fail."""
    if shell == "ksh93":
        return "ksh93 itself puts what $(...) gives into shared memory, in a file that has no name any more"
    root = context.folder / "nofile"
    if not root.exists():
        d00 = instance(root, "PRD", "D00")
        make_pse(d00 / "sec" / "S.pse", trust=context.material.roots)
        (d00 / "work" / "dev_icm").write_bytes(b"trace\n")
    out = run(script(root), shell, prefix=["sh", "-c", 'ulimit -f 0; exec "$@"', "sh"])
    answer = Answer(parse(out))
    assert answer.outcome(root / "PRD/D00/sec/S.pse") == ("native", "")
    assert run.errors == b"", run.errors
    return None


@in_each_shell
def a_cut_script_runs_nothing(context, shell):
    text = script(context.folder / "nowhere")
    size = len(text)
    begin = text.index(b"\n{\n") + 2
    cuts = set(range(size - 40, size - 1)) | {begin}
    if shell == FIRST:  # also in the name of each function, and at the end of each line
        cuts |= {at + 2 for at in (m.end() for m in re.finditer(rb"\n", text)) if begin < at < size}
        cuts |= {m.end() for m in re.finditer(rb"[a-z] *\n", text)}
    for cut in sorted(c for c in cuts if c < size - 1):
        done = subprocess.run([SHELLS[shell], *shell.split()[1:]], input=text[:cut], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env={"PATH": "/nowhere"}, check=False)
        assert done.stdout == b"", "cut after byte %d of %d: %r" % (cut, size, done.stdout[:80])
        # a shell that says "not found" has tried to run something
        assert cut < begin or done.returncode not in (0, 126, 127) and b"not found" not in done.stderr, done.stderr


@in_each_shell
def what_stands_behind_the_script_is_not_run(context, shell):
    out = run(script(context.folder / "nowhere") + b"echo something else\n" * 1000, shell)
    assert parse(out)[-1]["text"] == "there is no folder %s" % (context.folder / "nowhere")


@in_each_shell
def a_standard_input_that_stays_open(context, shell):
    """Neither the probe waits for its end, nor a program that wants to read it."""
    tools = context.folder / ("reading " + shell)
    tools.mkdir()
    (tools / "date").write_text("#!/bin/sh\ncat\nexec %s \"$@\"\n" % shutil.which("date"))
    (tools / "date").chmod(0o755)
    with subprocess.Popen([SHELLS[shell], *shell.split()[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          env={"PATH": "%s:%s" % (tools, os.environ["PATH"])}, start_new_session=True) as process:
        process.stdin.write(script(context.folder / "nowhere"))
        process.stdin.flush()
        try:
            assert process.wait(100) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        assert len(parse(process.stdout.read())) == 2


@in_each_shell
def forged_lists_let_nothing_out(context, shell):
    root = context.folder / "forged"
    files = forge(root, context.material)
    answer = ask(root, shell)
    got = {path.name: answer.outcome(path) for path in files}
    assert got == {path.name: outcome for path, outcome in files.items()}, got


def forge(root, material):
    sec = instance(root, "PRD", "D00") / "sec"
    certs = material.list_of(material.roots)
    plain = make_pse(sec / "plain.pse", "--own", material.own.pem, trust=material.roots).read_bytes()
    files = {sec / "plain.pse": ("native", "")}
    pse = Forge(plain)
    key, own, trusted = pse.objects["SKnew"], pse.objects["Cert"], pse.objects["PKList"]
    key_value = pse.value("SKnew")

    def add(name, content, *outcome):
        path = sec / (name + ".pse")
        path.write_bytes(content)
        files[path] = outcome

    def lists(*parts):
        return pse.object("PKList", "PKList", der(0x31, *parts))

    bad, odd = ("none", "damaged"), ("none", "unknown-form")
    add("same", pse.build(own, trusted, key), "native", "")
    add("named-otherwise", pse.build(key, pse.object("SKnew", "PKList", pse.value("PKList"))), "native", "")
    add("key-named-list", pse.build(pse.object("PKList", "SKnew", key_value), trusted), "native", "")
    add("list-swallows-object", pse.build(lists(certs, key)), *odd)
    add("list-swallows-key", pse.build(lists(certs, key_value)), *odd)
    add("list-is-key", pse.build(pse.object("PKList", "PKList", key_value)), *bad)
    add("list-of-key", pse.build(lists(key_value)), *odd)
    add("key-first", pse.build(lists(key_value, certs)), *odd)
    add("own-is-key", pse.build(pse.object("Cert", "Cert", key_value), trusted), *odd)
    add("own-is-key-and-more", pse.build(pse.object("Cert", "Cert", key_value + own), trusted), *odd)
    add("own-is-two", pse.build(pse.object("Cert", "Cert", material.roots[0].der * 2), trusted), *odd)
    add("own-is-nothing", pse.build(pse.object("Cert", "Cert", b""), trusted), *odd)
    add("key-in-octets", pse.build(lists(certs, der(0x04, key_value))), *odd)
    add("two-lists", pse.build(trusted, trusted), *bad)
    add("two-own", pse.build(own, own, trusted), *bad)
    add("list-and-more", pse.build(pse.object("PKList", "PKList", pse.value("PKList") + key_value)), *bad)
    add("bare-cert", pse.build(pse.object("PKList", "PKList", material.roots[0].der)), *bad)
    # certificates of which one part is missing, or too long, or of another kind
    tbs, algorithm, bits = elements(inside(material.roots[0].der))
    for name, parts in {"no-signature": [tbs, algorithm], "no-algorithm": [tbs, bits], "more": [tbs, algorithm, bits, bits],
                        "tbs-of-key": [key_value, algorithm, bits], "octets": [tbs, algorithm, der(4, inside(bits))],
                        "empty-tbs": [der(0x30), algorithm, bits], "empty": []}.items():
        add("cert-" + name, pse.build(lists(certs, der(0x30, *parts))), *odd)
    # the same file with lengths that do not fit
    at = plain.index(pse.value("PKList"))
    longer = plain[:at + 2] + (int.from_bytes(plain[at + 2:at + 4], "big") + 1).to_bytes(2, "big") + plain[at + 4:]
    add("set-too-long", longer, *bad)
    shorter = plain[:at + 2] + (int.from_bytes(plain[at + 2:at + 4], "big") - 1).to_bytes(2, "big") + plain[at + 4:]
    add("set-too-short", shorter, *bad)
    # the list runs on into the key: the object's and the set's length reach to the end of the file
    listed_first = Forge(make_pse(sec / "x.pse", "--order", "list-first", trust=material.roots).read_bytes())
    files[sec / "x.pse"] = ("native", "")
    add("runs-into-key", listed_first.build(listed_first.object(
        "PKList", "PKList", der(0x31, certs, listed_first.objects["SKnew"]))), *odd)
    for name, head in {"indefinite": b"\x30\x80", "four-bytes": b"\x30\x84\0\0", "set": b"\x31\x82"}.items():
        add("outer-" + name, head + plain[2:], "none", "no-pse")
    add("outer-wide", b"\x30\x83\0" + plain[2:], "native", "")
    add("trailing", plain + b"\0", *bad)
    for by in (-1, 1):
        length = int.from_bytes(plain[2:4], "big") + by
        add("outer%+d" % by, plain[:2] + length.to_bytes(2, "big") + plain[4:], *bad)
    # version 4 without its last part, with one more, with content that does not fill its place
    whole = make_pse(sec / "v4.pse", "--version", 4, trust=material.roots).read_bytes()
    files[sec / "v4.pse"] = ("native", "")
    parts = elements(inside(elements(inside(whole))[1]))
    for name, changed in {"less": parts[:-1], "more": parts + [parts[-1]], "flag": [b"\x02\x02\0\0"] + parts[1:],
                          "unfilled": parts[:2] + [der(4, inside(parts[2]), key_value)] + parts[3:],
                          "no-octets": parts[:2] + [inside(parts[2])] + parts[3:]}.items():
        add("v4-" + name, der(0x30, b"\x02\x01\x04", der(0xa3, *changed)),
            *(("none", "needs-pin") if name == "flag" else bad))
    return files


@test
def cut_after_every_byte(context, shell=FIRST):
    for version, step in ((2, 1), (4, 5)):
        root = context.folder / ("cut%d" % version)
        sec = instance(root, "PRD", "D00") / "sec"
        whole = make_pse(sec / "whole.pse", "--version", version, trust=context.material.roots[:1]).read_bytes()
        sizes = range(0, len(whole), step)
        for size in sizes:
            (sec / ("%04d.pse" % size)).write_bytes(whole[:size])
        answer = ask(root, shell)
        assert answer.outcome(sec / "whole.pse") == ("native", "")
        reasons = [answer.outcome(sec / ("%04d.pse" % size)) for size in sizes]
        begin = reasons.index(("none", "damaged"))
        assert begin * step < 16 and set(reasons[:begin]) == {("none", "no-pse")}, begin
        assert set(reasons[begin:]) == {("none", "damaged")}, set(reasons[begin:])


def headers(whole, begin, end, depth=0):
    """Where tags, lengths, identifiers and versions stand, four levels deep and a little of what is below."""
    found = set()
    while begin < end:
        length, value = whole[begin + 1], begin + 2
        if length >= 128:
            value += length & 127
            length = int.from_bytes(whole[begin + 2:value], "big")
        found |= set(range(begin, value))
        if whole[begin] in (0x02, 0x06) and length <= 5:
            found |= set(range(value, value + length))
        if whole[begin] in (0x30, 0x31) and depth < 6 and len(found) < 400:
            found |= headers(whole, value, value + length, depth + 1)
        begin = value + length
    return found


@test
def every_header_byte_changed(context, shell=FIRST):
    """Whatever is in the headers: certificates of ours come out, or nothing."""
    roots = context.material.roots
    root = context.folder / "flipped"
    sec = instance(root, "PRD", "D00") / "sec"
    whole = make_pse(context.folder / "whole.pse", "--order", "list-first", trust=roots[:2]).read_bytes()
    files = 0
    for at in sorted(headers(whole, 0, len(whole))):
        for new in {whole[at] ^ 1, whole[at] ^ 0x80, (whole[at] + 16) % 256}:
            (sec / ("%04d-%02x.pse" % (at, new))).write_bytes(whole[:at] + bytes([new]) + whole[at + 1:])
            files += 1
    answer = ask(root, shell)
    assert len(answer.stores) == files
    native = [s for s in answer.stores.values() if s["method"] == "native"]
    assert files > 200 and 0 < len(native) < files // 2, "%d of %d were read" % (len(native), files)
    for store in native:
        parts = elements(store.trusted.body) + ([store.own.body] if store.own else [])
        for part in parts:
            tbs = elements(inside(part))
            assert [p[0] for p in tbs] == [0x30, 0x30, 0x03]


@test
def files_that_change_while_they_are_read(context, shell=FIRST):
    """Programs in front of od and dd change a file just before it is read."""
    material = context.material
    root = context.folder / "changing"
    d00 = instance(root, "PRD", "D00")
    pse = Forge(make_pse(context.folder / "p.pse", "--own", material.own.pem, trust=material.roots).read_bytes())
    good = pse.build(pse.objects["PKList"], pse.objects["SKnew"])
    # As long as the other, but the key lies where the list was.
    evil = pse.build(pse.objects["SKnew"], pse.objects["PKList"])
    assert len(good) == len(evil)
    (context.folder / "evil.pse").write_bytes(evil)
    path = d00 / "sec" / "S.pse"
    tools = context.folder / "tools"
    tools.mkdir()

    def tool(name, text):
        (tools / name).write_text("#!/bin/sh\n%s\nexec %s \"$@\"\n" % (text, shutil.which(name)))
        (tools / name).chmod(0o755)

    both = "%s:%s" % (tools, os.environ["PATH"])
    # In front of the tools that read the PSE: cat, with others, and base64, alone.
    for word, text, outcome in [
            ("replaced: what was open is what was read", 'cp "%s" "$0.new"; mv "$0.new" "%s"' % (
                context.folder / "evil.pse", path), ("native", "")),
            ("written over once: read again", '[ -e "$0.done" ] || { >"$0.done"; cp "%s" "%s"; touch -d @12345 "%s"; }' % (
                context.folder / "good.pse", path, path), ("native", "")),
            ("written over, always", 'cp "%s" "%s"; touch -d "@$(date +%%s%%N | cut -c6-14)" "%s"' % (
                context.folder / "evil.pse", path, path), ("none", "changed")),
            ("cut", 'truncate -s 300 "%s"; touch -d "@$(date +%%s%%N | cut -c6-14)" "%s"' % (path, path),
             ("none", "changed")),
            ("gone", 'rm -f "%s"' % path, None)]:
        path.write_bytes(good)
        (context.folder / "good.pse").write_bytes(good)
        tool("cat", 'case "$*" in *S.pse*) %s ;; esac' % text)
        tool("base64", '[ ! -f /dev/stdin ] || { %s; }' % text)
        answer = ask(root, shell, path=both)
        if not outcome:
            assert os.fspath(path) not in answer.stores, word
            continue
        assert answer.outcome(path) == outcome, "%s: %s" % (word, answer.store(path).fields)
        if outcome[0] == "native":
            assert answer.store(path).trusted.body == material.list_of(material.roots), word
    (tools / "base64").unlink()
    (tools / "cat").unlink()

    trace = d00 / "work" / "dev_icm"
    content = (b"[Thr 1] " + bytes(range(1, 251)) * 1000)[:250000]
    for word, text, kept in [("shortened", 'truncate -s 200000 "%s"' % trace, 200000),
                             ("emptied", ': >"%s"' % trace, 0),
                             ("rotated", 'mv "%s" "%s.gone"' % (trace, trace), 250000),  # what was open is read
                             ("growing", 'echo more >>"%s"' % trace, 250000)]:
        trace.write_bytes(content)
        tool("dd", 'case "$*" in *bs=4096*) %s ;; esac' % text)  # its first lines are looked at
        for limit in (100000, 65536 * 2, 250000, 1, 0, 10 ** 12):
            trace.write_bytes(content)
            record = ask(root, shell, path=both, trace_bytes=limit).traces[os.fspath(trace)]
            begin = max(0, 250000 - limit)
            assert int(record["from"]) == begin and len(record.body) == 250000 - begin, (word, limit, record.fields)
            came = max(0, kept - begin)
            assert record.body == content[begin:begin + came] + bytes(len(record.body) - came), word
            if limit:
                moved = record.after.get("inode") != record["inode"] or int(record.after["size"]) < 250000
                assert moved == (word != "growing"), word


@test
def a_trace_of_more_than_two_gigabytes(context, shell=FIRST):
    for shell in [s for s in SHELLS if SHELLS[s]]:
        root = context.folder / "huge"
        work = instance(root, "PRD", "W00") / "work"
        with open(work / "dev_webdisp", "wb") as trace:
            trace.truncate(5000000007)
            trace.seek(0, os.SEEK_END)
            trace.write(b"the end\n")
        record = ask(root, shell, trace_bytes=1000).traces[os.fspath(work / "dev_webdisp")]
        assert record["from"] == "4999999015" and record.body == bytes(992) + b"the end\n", shell
        (work / "dev_webdisp").unlink()


@test
def no_list_from_sapgenpse(context, shell=FIRST):
    """Programs that do not answer, or are none; each within the time limit, and no process is left behind."""
    root = context.folder / "tools-root"
    d00 = instance(root, "PRD", "D00")
    sec = d00 / "sec"
    make_pse(sec / "S.pse", "--pin", trust=context.material.roots)
    program = d00 / "exe" / "sapgenpse"
    rows = [
        ("none", None, "needs-pin", None),
        ("hangs", "exec sleep 100", "needs-pin", None),
        ("waits for a PIN on standard input, which is closed", 'printf "Please enter PIN: "; read x; exit 1',
         "needs-pin", None),
        ("fails", "echo 'maintain_pk: ERROR -- x' >&2; exit 3", "sapgenpse-failed", b"maintain_pk: ERROR -- x\n"),
        ("a listing, but it failed", "echo PKList:; exit 1", "sapgenpse-failed", b"PKList:\n"),
        ("says nothing", "exit 0", "sapgenpse-failed", b""),
        ("cannot be loaded", "echo 'error while loading' >&2; exit 127", "sapgenpse-failed", b"error while loading\n"),
        ("percents and backslashes", r"printf %s '%s \060 \\ $x `x` *'; exit 9", "sapgenpse-failed",
         rb"%s \060 \\ $x `x` *"),
    ]
    for what, text, reason, listing in rows:
        if text:
            program.write_text("#!/bin/sh\n" + text + "\n")
            program.chmod(0o755)
        answer = ask(root, shell, tool_seconds=1)
        store = answer.store(sec / "S.pse")
        assert answer.outcome(sec / "S.pse") == ("none", reason), "%s: %s" % (what, store.fields)
        assert (store.listing.body if store.listing else None) == listing, "%s: %r" % (what, store.listing.body)
    # the one of the host agent, where the instance's own cannot be loaded; it is told where the PSE lies
    other = root / "hostctrl" / "exe" / "sapgenpse"
    other.parent.mkdir(parents=True)
    other.write_text("#!/bin/sh\necho \" $SECUDIR $LD_LIBRARY_PATH $LIBPATH $TZ $LC_ALL $(pwd) $USER\"\necho PKList:\n")
    other.chmod(0o755)
    program.write_text("#!/nowhere\n")
    answer = ask(root, shell)
    login = subprocess.run(["id", "-un"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    assert answer.outcome(sec / "S.pse") == ("sapgenpse", "")
    assert answer.store(sec / "S.pse").listing.body.decode() == " %s %s %s UTC C %s %s\nPKList:\n" % (
        sec, other.parent, other.parent, sec, login)
    if ROOT_USER:  # a program that others may replace is not run by root
        os.chown(other.parent, NOBODY, NOBODY)
        program.unlink()
        assert answer.outcome(sec / "S.pse") == ("sapgenpse", "")
        answer = ask(root, shell)
        assert answer.store(sec / "S.pse")["reason"].startswith("needs-pin (a sapgenpse that others "), answer.store(sec / "S.pse").fields


@test
def a_damaged_file_that_sapgenpse_can_list(context, shell=FIRST):
    root = context.folder / "damaged-root"
    d00 = instance(root, "PRD", "D00")
    standin(d00)
    sec = d00 / "sec"
    whole = make_pse(sec / "S.pse", trust=context.material.roots).read_bytes()
    (sec / "S.pse").write_bytes(whole[:-1])
    shutil.copy(context.material.bundle, sec / "S.pse.pem")
    answer = ask(root, shell)
    assert answer.outcome(sec / "S.pse") == ("sapgenpse", "")
    text = answer.store(sec / "S.pse").listing.body.decode()
    for cert in context.material.roots:
        digest = hashlib.sha256(cert.der).hexdigest().upper()
        assert ":".join(re.findall("..", digest)) in text
    assert text.count("Element #") == 3 and 'Subject:                             CN=app, O="Example, Inc.", C=DE' in text
    (sec / "S.pse.answer").write_text("no list")
    assert answer.outcome(sec / "S.pse") == ("sapgenpse", "")
    answer = ask(root, shell)
    assert re.fullmatch(r"damaged at byte \d+", answer.store(sec / "S.pse")["reason"])


def closed_root(context, name):
    """A root that belongs to the user that the probe runs as, with things in it that this user may not read."""
    root = context.folder / name
    d00 = instance(root, "PRD", "D00")
    standin(d00)
    make_pse(d00 / "sec" / "open.pse", trust=context.material.roots)
    make_pse(d00 / "sec" / "closed.pse", trust=context.material.roots)
    (d00 / "work" / "dev_icm").write_bytes(b"[Thr 1] closed\n")
    (d00 / "work" / "dev_webdisp").write_bytes(b"[Thr 1] open\n")
    d01 = instance(root, "PRD", "D01")
    make_pse(d01 / "sec" / "S.pse", trust=context.material.roots)
    (d01 / "work" / "dev_icm").write_bytes(b"[Thr 1] closed\n")
    other = instance(root, "QAS", "W20")
    make_pse(other / "sec" / "S.pse", trust=context.material.roots)
    pin = instance(root, "TST", "D00")
    make_pse(pin / "sec" / "S.pse", "--pin", trust=context.material.roots)
    make_pse(instance(root, "XYZ", "D00") / "sec" / "S.pse", trust=context.material.roots)
    for path in ("QAS/W20/work/dev_webdisp", "TST/D00/work/dev_icm", "XYZ/D00/work/dev_icm"):
        (root / path).write_bytes(b"[Thr 1] open\n")
    if ROOT_USER:
        for path in [root, *root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY)
    closed = [d00 / "sec" / "closed.pse", d00 / "work" / "dev_icm", d01 / "sec", d01 / "work", root / "XYZ"]
    for path in closed:
        path.chmod(0)
    return root, closed


@in_each_shell
def what_the_login_may_not_read(context, shell):
    root = context.folder / "closed"
    if not root.exists():
        closed_root(context, "closed")
    answer = ask(root, shell, nobody=True)
    d00, d01 = root / "PRD" / "D00", root / "PRD" / "D01"
    assert answer.outcome(d00 / "sec" / "open.pse") == ("native", "")
    assert answer.outcome(d00 / "sec" / "closed.pse") == ("none", "not-allowed")
    assert answer.store(d00 / "sec" / "closed.pse")["mode"] == "0"
    assert answer.unread[os.fspath(d00 / "work" / "dev_icm")]["reason"] == "not-allowed"
    assert answer.traces[os.fspath(d00 / "work" / "dev_webdisp")].body == b"[Thr 1] open\n"
    assert [(n["reason"], n["path"]) for n in answer.notes] == [
        ("not-allowed", os.fspath(p)) for p in (d01 / "work", d01 / "sec", root / "XYZ")]


SUDO = """#!/bin/sh
# Stands in for sudo: opens what is closed, as being somebody else would.
echo "$*" >>"{log}"
[ "$1 $2" = "-n -u" ] || exit 9
{mode}
user=$3
shift 3
for path in {closed}; do chmod 755 "$path"; done
env -i PATH="$PATH" "$@"
status=$?
for path in {closed}; do chmod 0 "$path"; done
exit $status
"""


@in_each_shell
def what_sudo_opens(context, shell):
    root, closed = closed_root(context, "sudo " + shell)
    tools, log = context.folder / ("bin " + shell), context.folder / ("sudo.log " + shell)
    tools.mkdir()
    log.touch()
    log.chmod(0o666)
    both = "%s:%s" % (tools, os.environ["PATH"])

    def sudo(mode=""):
        log.write_text("")
        text = SUDO.format(log=log, mode=mode, closed=" ".join("'%s'" % p for p in closed))
        (tools / "sudo").write_text(text)
        (tools / "sudo").chmod(0o755)

    d00, d01 = root / "PRD" / "D00", root / "PRD" / "D01"
    sudo()
    answer = ask(root, shell, both, nobody=True, become=True, tool_seconds=7)
    calls = ["-n -u %sadm /bin/sh -s -- %s %s 100000 7 0" % (sid.lower(), root / sid, root)
             for sid in ("PRD", "TST", "XYZ")]  # nothing is closed in QAS; TST has a PSE with PIN
    assert log.read_text().splitlines() == calls, log.read_text()
    for path in (d00 / "sec" / "open.pse", d00 / "sec" / "closed.pse", d01 / "sec" / "S.pse",
                 root / "QAS/W20/sec/S.pse", root / "XYZ/D00/sec/S.pse"):
        assert answer.outcome(path) == ("native", ""), path
    assert answer.outcome(root / "TST/D00/sec/S.pse") == ("none", "needs-pin")
    assert answer.traces[os.fspath(d01 / "work" / "dev_icm")].body == b"[Thr 1] closed\n"
    assert not answer.notes, answer.notes[0].fields

    for says, last, whole in [
            ("echo 'sudo: a password is required'", "sudo: a password is required", "sudo: a password is required"),
            (r"printf 'We trust you\r\n\n  %s\nsudo: no; not you %%s\n' lecture", "not you %s",
             "We trust you\r;   lecture; sudo: no; not you %s"),
            ("head -c 5000 /dev/zero | tr '\\0' x", "x" * 1000, "x" * 1000),
            (":", "", "")]:
        sudo("{ %s; } >&2; exit 1" % says)
        answer = ask(root, shell, both, nobody=True, become=True)
        assert len(log.read_text().splitlines()) == 3
        assert answer.outcome(d00 / "sec" / "open.pse") == ("native", "")
        reason = "not-allowed (sudo -u prdadm: %s)" % last
        assert answer.store(d00 / "sec" / "closed.pse")["reason"] == reason, answer.store(d00 / "sec/closed.pse").fields
        assert answer.unread[os.fspath(d00 / "work" / "dev_icm")]["reason"] == reason
        notes = {n["path"]: n["text"] for n in answer.notes if n["reason"] == "no-sudo"}
        assert set(notes) == {os.fspath(root / sid) for sid in ("PRD", "TST", "XYZ")}, notes
        assert notes[os.fspath(root / "PRD")] == "sudo -u prdadm does not work: " + whole, notes

    sudo('echo "trustgap-probe began" >&2; printf "store 7 "; exit 1')
    parse(run(script(root, become=True), shell, both, nobody=True))  # the others come all the same
    ends = {over["path"]: (system["through"], over.get("reason")) for system, over, _ in parse.frames}
    assert ends == {os.fspath(root / "PRD"): ("sudo", "1"), os.fspath(root / "TST"): ("sudo", "1"),
                    os.fspath(root / "XYZ"): ("sudo", "1"), os.fspath(root / "QAS"): ("login", None)}, ends


@test
def roots_without_anything(context, shell=FIRST):
    empty = context.folder / "empty"
    (empty / "lost+found").mkdir(parents=True)
    (empty / "trans" / "data").mkdir(parents=True)
    (context.folder / "file").write_text("no folder")
    closed = context.folder / "closed root"
    closed.mkdir()
    closed.chmod(0)
    missing = context.folder / "no'such"
    nothing = ("no-instance", "no instance was found below ")
    rows = [(empty, [(*nothing, empty)]),
            (missing, [("no-folder", "there is no folder ", missing)]),
            (context.folder / "file", [("no-folder", "", "%s is no folder" % (context.folder / "file"))]),
            (missing / "below", [("no-folder", "there is no folder ", missing / "below")]),
            (closed, [("not-allowed", "may not look into ", closed), (*nothing, closed)]),
            ("relative/path", [("no-folder", "not an absolute path: ", "relative/path")]),
            ("%s:%s" % (empty, missing), [(*nothing, empty), ("no-folder", "there is no folder ", missing)])]
    for root, notes in rows:
        for shell in [s for s in SHELLS if SHELLS[s]]:
            answer = ask(root, shell, nobody=True)
            got = [(n["reason"], n["text"]) for n in answer.notes]
            assert got == [(reason, "%s%s" % (text, path)) for reason, text, path in notes], (shell, root, got)
            assert len(answer.records) == 1 + len(notes), shell


def found_folders(context, root):
    """Folders that look like instances, or do not, by what lies in them: path -> (sid, name), and the PSEs."""
    rows = {
        "webdisp/sec/SAPSSLC.pse": (None, "webdisp"),
        "webdisp/dev_webdisp": (None, "webdisp"),
        "webdisp/wd 2/sec/a.pse": (None, "webdisp/wd 2"),
        "saprouter/local.pse": (None, "saprouter"),
        "only trace/work/dev_icm": (None, "only trace"),
        "apps/edge/wd/work/dev_webdisp": (None, "apps/edge/wd"),
        "apps/edge/wd/sec/b.pse": (None, "apps/edge/wd"),
        "a/b/c/d/sec/too-deep.pse": None,
        "PRD/D00/sec/c.pse": ("PRD", "D00"),
        "PRD/D00/work/dev_icm": ("PRD", "D00"),
        "PRD/D00/j2ee/sec/below-an-instance.pse": None,
        "PRD/web/dev_webdisp": (None, "PRD/web"),
        "WD1/sec/d.pse": (None, "WD1"),
        "zone/QAS/W20/sec/e.pse": ("QAS", "W20"),
        "zone/QAS/W20/work/dev_webdisp": ("QAS", "W20"),
        "lost+found/sec/f.pse": None,
        "keys/sec/SecStoreDBKey.pse": None,
        "text/sec/readme.txt": None,
        "sec/g.pse": (None, root.name),
        "*/sec/h.pse": (None, "*"),
    }
    for path in rows:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".pse"):
            make_pse(root / path, trust=context.material.roots)
        else:
            (root / path).write_bytes(b"trace\n")
    return rows


@in_each_shell
def folders_that_look_like_instances(context, shell):
    root = context.folder / ("found " + shell)
    rows = found_folders(context, root)
    answer = ask(root, shell)
    assert sorted({(i.get("sid"), i["name"]) for i in answer.instances}, key=str) == \
        sorted({row for row in rows.values() if row}, key=str), [i.fields for i in answer.instances]
    assert len({i["path"] for i in answer.instances}) == len(answer.instances)
    names = {i["path"]: (i.get("sid"), i["name"]) for i in answer.instances}
    got = {os.path.relpath(path, root): names[record["instance"]]
           for path, record in [*answer.stores.items(), *answer.traces.items()]}
    assert got == {path: row for path, row in rows.items() if row}, got
    assert all(answer.outcome(path) == ("native", "") for path in answer.stores)
    assert not answer.notes, [n.fields for n in answer.notes]

    # the same from within: the root is the folder itself, or that of a system
    for below, names in (("webdisp", ["webdisp", "wd 2"]), ("PRD", ["D00", "web"])):
        answer = ask(root / below, shell)
        assert [i["name"] for i in answer.instances] == names, [i.fields for i in answer.instances]
    assert answer.instances[0]["sid"] == "PRD"
    # two roots, one of them wrong
    answer = ask("%s:%s:%s" % (root / "webdisp", root / "nothing", root / "saprouter"), shell)
    assert [i["name"] for i in answer.instances] == ["webdisp", "wd 2", "saprouter"]
    assert [(n["reason"], n["path"]) for n in answer.notes] == [("no-folder", os.fspath(root / "nothing"))]


@in_each_shell
def where_the_search_ends(context, shell):
    """Links out of the root, folders that are closed, more names than are looked at: each is said."""
    root, outside = context.folder / ("ends " + shell), context.folder / ("outside " + shell)
    make_pse(instance(root, "PRD", "D00") / "sec" / "S.pse", trust=context.material.roots)
    (root / "PRD/D00/work/dev_icm").touch()
    for folder in (outside / "wd", root / "inside"):
        (folder / "sec").mkdir(parents=True)
        make_pse(folder / "sec" / "S.pse", trust=context.material.roots)
    (outside / "nothing").mkdir()
    (root / "more").mkdir()
    for name in ("link", "more/link", "PRD/link"):
        (root / name).symlink_to(outside / "wd")
    for name, to in (("again", "inside"), ("circle", "."), ("nothing", outside / "nothing"), ("broken", "nowhere")):
        (root / name).symlink_to(to)
    for name in ("shut", "more/shut"):
        (root / name).mkdir()
        (root / name).chmod(0)
    answer = ask(root, shell, nobody=True)
    assert [i["name"] for i in answer.instances] == ["D00", "inside"], [i.fields for i in answer.instances]
    assert sorted((n["reason"], os.path.relpath(n["path"], root)) for n in answer.notes) == [
        ("link", "PRD/link"), ("link", "link"), ("link", "more/link"), ("not-allowed", "more/shut"),
        ("not-allowed", "shut")], [n.fields for n in answer.notes]

    many = context.folder / ("many " + shell)
    for number in range(10):
        (many / "top" / ("%d" % number)).mkdir(parents=True)
    make_pse(many / "top" / "sec.pse", trust=context.material.roots)
    for names, reached in ((11, []), (10, ["top"]), (1, ["top"]), (0, ["."])):
        out = run(b"tg_names=%d\n" % names + script(many), shell)
        answer = Answer(parse(out))
        assert [os.path.relpath(n["path"], many) for n in answer.notes if n["reason"] == "limit"] == reached, names
        assert len(answer.instances) == (1 if names else 0)


@in_each_shell
def whose_sapgenpse_is_run(context, shell):
    """In a folder that only looks like an instance none that somebody else may replace."""
    if not ROOT_USER:
        return "only root can give files away"
    root = context.folder / ("whose " + shell)
    (root / "wd").mkdir(parents=True)
    make_pse(root / "wd" / "S.pse", "--pin", trust=context.material.roots)
    program = root / "wd" / "sapgenpse"
    program.write_text("#!/bin/sh\necho PKList:\n")
    program.chmod(0o755)
    os.chown(root / "wd" / "S.pse", NOBODY, NOBODY)
    for owner, outcome in ((0, "sapgenpse"), (NOBODY, "sapgenpse"), (1, "none")):
        os.chown(program, owner, owner)
        assert ask(root, shell, nobody=True).outcome(root / "wd" / "S.pse")[0] == outcome, owner
    os.chown(program, 0, 0)
    os.chown(root / "wd", 1, 1)
    assert ask(root, shell, nobody=True).outcome(root / "wd" / "S.pse")[0] == "none"
    return None


@test
def hello_tells_the_clock(context, shell=FIRST):
    for shell in [s for s in SHELLS if SHELLS[s]]:
        before = int(time.time())
        hello = ask(context.folder / "nowhere", shell, env={"TZ": "Asia/Kolkata"}).records[0]
        clock = int(time.mktime(time.strptime(hello["clock"] + "UTC", "%Y%m%d%H%M%S%Z")) - time.timezone)
        there = int(time.mktime(time.strptime(hello["local"] + "UTC", "%Y%m%d%H%M%S%Z")) - time.timezone)
        assert before <= clock <= time.time() and there - clock == 19800, hello.fields
        assert hello["zone"] == "Asia/Kolkata" and hello["rule"] == "IST-5:30"
        assert hello["system"] == "%s %s %s" % (os.uname().sysname, os.uname().release, os.uname().machine)


@test
def hello_tells_the_rule_of_the_zone(context, shell=FIRST):
    """The value of TZ, or the last line of a table; and nothing that is none."""
    tables = context.folder / "tables"
    tables.mkdir()
    berlin = pathlib.Path("/usr/share/zoneinfo/Europe/Berlin").read_bytes()
    above = berlin[:berlin.rindex(b"\n", 0, -1) + 1]
    files = {
        "quoted": above + b"<-02>2<-01>,M3.5.0/-1,M10.5.0/0\n",
        "long": above + b"A" * 98 + b"-1\n",
        "longer": above + b"A" * 99 + b"-1\n",
        "none": above + b"\n",
        "version-1": berlin[:4] + bytes(36) + b"\0\0\0\4" + b"\0\0\16\20\0\0CET\0",
        "hidden": above + b"\0EST5\0\0",
        "behind": above + b"UTC0\0\n",
        "junk": bytes(range(256)) * 9,
        "words": b"root:x:0:0:root:/root:/bin/sh\n",
        "empty": b"",
        "huge": bytes(1 << 20) + b"\nUTC0\n",
    }
    for name, content in files.items():
        (tables / name).write_bytes(content)
    here = subprocess.run("tail -n 1 /etc/localtime | tr -cd ' -~'", shell=True, stdout=subprocess.PIPE).stdout.decode()
    berlin_rule = "CET-1CEST,M3.5.0,M10.5.0/3"
    rows = [
        (None, here or None),
        ("", None),
        ("CET-1CEST,M3.5.0,M10.5.0/3", berlin_rule),
        ("NFT-1DFT,M3.5.0/02:00:00,M10.5.0/03:00:00", "NFT-1DFT,M3.5.0/02:00:00,M10.5.0/03:00:00"),
        ("<-03>3", "<-03>3"),
        ("UTC0", "UTC0"),
        ("UTC", "UTC0"),
        ("Europe/Berlin", berlin_rule),
        (":Europe/Berlin", berlin_rule),
        ("Etc/GMT+5", "<-05>5"),
        ("EST5EDT", "EST5EDT,M3.2.0,M11.1.0"),
        ("CET-1CEST", None),
        ("Europe", None),
        ("Nowhere/Land", None),
        ("../zoneinfo/UTC", None),
        ("CET-1 CEST,M3.5.0,M10.5.0", None),
        ("$(echo UTC0)", None),
        ("*", None),
        (tables / "quoted", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"),
        (tables / "long", "A" * 98 + "-1"),
        *[(tables / name, None) for name in
          ("longer", "none", "version-1", "hidden", "behind", "junk", "words", "empty", "huge", "missing")],
    ]
    for zone, rule in rows:
        for shell in [s for s in SHELLS if SHELLS[s]]:
            hello = ask(context.folder / "nowhere", shell, env={"TZ": zone and str(zone)}).records[0]
            assert hello.get("rule") == rule, (shell, zone, hello.fields)
            assert hello["clock"] and hello["local"], (shell, zone, hello.fields)


@test
def with_busybox_alone(context, shell="busybox sh"):
    """Nothing but busybox in PATH; then without stat, as on AIX: with perl, and with ls alone."""
    if not SHELLS[shell]:
        return "no busybox"
    tools = context.folder / "busybox"
    tools.mkdir()
    for name in subprocess.run([SHELLS[shell], "--list"], stdout=subprocess.PIPE, check=True).stdout.decode().split():
        (tools / name).symlink_to(SHELLS[shell])
    everything_root = context.everything
    answer = ask(everything_root.root, shell, str(tools))
    everything_root.check(answer)
    (tools / "stat").unlink()
    perl = shutil.which("perl")
    broken = tools / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    (tools / "stat").symlink_to(broken)
    for with_perl in ([True, False] if perl else [False]):
        (tools / "perl").symlink_to(perl if with_perl else broken)
        answer = ask(everything_root.root, FIRST, str(tools))
        if with_perl:
            everything_root.check(answer)
        else:
            everything_root.stores(answer, everything_root.expect, full=False)
            assert all(s.get("device") is None for s in answer.stores.values())
        (tools / "perl").unlink(missing_ok=True)
    return None


# --- What the users of a host may try --------------------------------------------------------------------------------
#
# Two systems that belong to two users, and a third user that the probe runs as.  Only root can set that up.

AUDIT, ONE, OTHER = 47001, 47002, 47003
PROOF = "#!/bin/sh\nid >>'%s'\necho PKList:\n"


def give(path, user):
    for one in [path, *path.rglob("*")]:
        os.chown(one, user, user, follow_symlinks=False)


def two_systems(context, name):
    root = context.folder / name
    for sid, user in (("XQA", ONE), ("XQB", OTHER)):
        d00 = instance(root, sid, "D00")
        make_pse(d00 / "sec" / "SAPSSLC.pse", trust=context.material.roots)
        (d00 / "work" / "dev_icm").write_bytes(b"[Thr 1] of %s\n" % sid.encode())
        give(root / sid, user)
    return root


def run_as(root, shell, user=None, **variables):
    """The probe as this user, None: as root."""
    prefix = ["setpriv", "--reuid=%d" % user, "--regid=%d" % user, "--clear-groups"] if user else []
    out = run(script(root, **variables), shell, prefix=prefix)
    return Answer(parse(out)), out


@in_each_shell
def a_trace_is_read_only_if_it_is_one_of_the_instance(context, shell):
    if not ROOT_USER:
        return "only root can give files away"
    root = two_systems(context, "trace " + shell)
    secret = context.folder / ("only root " + shell)
    secret.write_bytes(b"[Thr 1] only root may read this\n")
    secret.chmod(0o600)
    one, other = root / "XQA" / "D00", root / "XQB" / "D00"
    trace, aside = one / "work" / "dev_icm", one / "work" / "aside"
    key = b"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
    pse = (one / "sec" / "SAPSSLC.pse").read_bytes()
    rows = [  # what it is, how it is made, why it is not read
        ("a link to a PSE", lambda: trace.symlink_to("../sec/SAPSSLC.pse"), {"link"}),
        ("a hard link to it", lambda: os.link(one / "sec" / "SAPSSLC.pse", trace), {"not-a-trace"}),
        ("a copy of it", lambda: trace.write_bytes(pse), {"not-a-trace"}),
        ("a link to a link to it", lambda: (aside.symlink_to("../sec/SAPSSLC.pse"), trace.symlink_to("aside")), {"link"}),
        ("a link to another system's PSE", lambda: trace.symlink_to(other / "sec" / "SAPSSLC.pse"), {"link"}),
        ("a link to another system's trace", lambda: trace.symlink_to(other / "work" / "dev_icm"), {"link"}),
        ("a link to what only root may read", lambda: trace.symlink_to(secret), {"link"}),
        ("a hard link to it", lambda: os.link(secret, trace), {"wrong-owner", "not-allowed"}),
        ("a hard link to another system's trace", lambda: os.link(other / "work" / "dev_icm", trace),
         {"wrong-owner", "not-allowed"}),
        ("a key in PEM", lambda: trace.write_bytes(key), {"not-a-trace"}),
        ("a key further down", lambda: trace.write_bytes(b"[Thr 1] x\n" * 9 + key), {"not-a-trace"}),
        ("a FIFO", lambda: os.mkfifo(trace), {"not-a-file"}),
        ("a folder", trace.mkdir, {"not-a-file"}),
        ("a device", lambda: trace.symlink_to("/dev/zero"), {"not-a-file", "link"}),
        ("a link to itself", lambda: trace.symlink_to("dev_icm"), {"link"}),
    ]
    for user in (None, AUDIT):
        for what, make, reasons in rows:
            shutil.rmtree(one / "work")
            (one / "work").mkdir()
            make()
            for path in [one / "work", *(one / "work").iterdir()]:
                if path.is_symlink() or path.is_dir() or path.stat().st_nlink == 1:
                    os.chown(path, ONE, ONE, follow_symlinks=False)
            answer, out = run_as(root, shell, user)
            assert os.fspath(trace) not in answer.traces, what
            why = answer.unread[os.fspath(trace)]["reason"].split(" ")[0]
            assert why in reasons, (what, why)
            assert b"only root may read" not in out and b"MIIE" not in out, what
            assert answer.outcome(one / "sec" / "SAPSSLC.pse") == ("native", ""), what
            assert answer.traces[os.fspath(other / "work" / "dev_icm")].body == b"[Thr 1] of XQB\n"
    shutil.rmtree(one / "work")
    (one / "work").mkdir()
    (one / "work" / "dev_icm.old").write_bytes(b"[Thr 1] old\n")
    (one / "work" / "dev_icm").symlink_to("dev_icm.old")  # within the folder nothing is wrong with a link
    give(one / "work", ONE)
    answer, _ = run_as(root, shell, AUDIT)
    assert [t.body for t in answer.traces.values()] == [b"[Thr 1] old\n", b"[Thr 1] of XQB\n"], answer.traces.keys()
    return None


@in_each_shell
def a_link_makes_nobodys_data_its_own(context, shell):
    if not ROOT_USER:
        return "only root can give files away"
    root = two_systems(context, "links " + shell)
    one, other = root / "XQA" / "D00", root / "XQB" / "D00"
    for name in ("work", "sec"):
        shutil.rmtree(one / name)
        (one / name).symlink_to(other / name)
        os.chown(one / name, ONE, ONE, follow_symlinks=False)
    (root / "XQA" / "D07").symlink_to(other)
    os.chown(root / "XQA" / "D07", ONE, ONE, follow_symlinks=False)
    for user in (None, AUDIT):
        answer, _ = run_as(root, shell, user)
        assert set(answer.traces) == {os.fspath(other / "work" / "dev_icm")}, answer.traces.keys()
        assert set(answer.stores) == {os.fspath(other / "sec" / "SAPSSLC.pse")}, answer.stores.keys()
        assert {n["path"] for n in answer.notes if n["reason"] == "link"} == {
            os.fspath(path) for path in (one / "work", one / "sec", root / "XQA" / "D07")}, [n.fields for n in answer.notes]
    # Root has made it: that is how a system was moved.
    os.chown(root / "XQA" / "D07", 0, 0, follow_symlinks=False)
    answer, _ = run_as(root, shell, AUDIT)
    assert os.fspath(root / "XQA" / "D07" / "work" / "dev_icm") in answer.traces
    # A PSE that is a link to another user's.
    (one / "sec").unlink()
    (one / "sec").mkdir()
    (one / "sec" / "X.pse").symlink_to(other / "sec" / "SAPSSLC.pse")
    give(one / "sec", ONE)
    answer, _ = run_as(root, shell, AUDIT)
    assert answer.outcome(one / "sec" / "X.pse") == ("none", "wrong-owner"), answer.store(one / "sec" / "X.pse").fields
    return None


@in_each_shell
def nobody_elses_program_is_run(context, shell):
    """As root, and as a user that several systems share: a PSE of one of them, and a sapgenpse that its user wrote."""
    if not ROOT_USER:
        return "only root can give files away"
    root = two_systems(context, "program " + shell)
    proof = context.folder / ("proof " + shell)
    one = root / "XQA" / "D00"
    pse, exe = make_pse(one / "sec" / "PIN.pse", "--pin", trust=context.material.roots), one / "exe"
    clean = root / "hostctrl" / "exe"
    clean.mkdir(parents=True)

    def tool(path, owner, mode=0o755):
        path.write_text(PROOF % proof)
        path.chmod(mode)
        os.chown(path, owner, owner)

    def folder(owner, mode=0o755):
        if exe.is_symlink():
            exe.unlink()
        shutil.rmtree(exe, ignore_errors=True)
        exe.mkdir()
        exe.chmod(mode)
        os.chown(exe, owner, owner)

    def linked():
        folder(ONE)
        exe.rmdir()
        exe.symlink_to(clean)
        tool(clean / "sapgenpse", 0)
        (clean / "sapgenpse").unlink()
        tool(one / "evil", ONE)
        (clean / "sapgenpse").symlink_to(one / "evil")

    rows = [  # what is wrong, how it is made, who owns the PSE, who the probe runs as
        ("the program of the PSE's owner, root asks", lambda: (folder(ONE), tool(exe / "sapgenpse", ONE)), ONE, None),
        ("the same, the shared user asks", lambda: (folder(ONE), tool(exe / "sapgenpse", ONE)), ONE, AUDIT),
        ("root's program, a PSE of somebody else", lambda: (folder(0), tool(exe / "sapgenpse", 0)), ONE, None),
        ("the folder belongs to another", lambda: (folder(ONE), tool(exe / "sapgenpse", 0)), 0, None),
        ("the folder's group may write", lambda: (folder(0, 0o775), tool(exe / "sapgenpse", 0)), 0, None),
        ("all may write to the program", lambda: (folder(0), tool(exe / "sapgenpse", 0, 0o777)), 0, None),
        ("a library of another", lambda: (folder(0), tool(exe / "sapgenpse", 0), tool(exe / "libsapcrypto.so", ONE)), 0, None),
        ("a folder above it belongs to another", lambda: (folder(0), tool(exe / "sapgenpse", 0)), 0, None),
        ("a link to another's program", linked, 0, None),
    ]
    for what, make, owner, user in rows:
        proof.unlink(missing_ok=True)
        (clean / "sapgenpse").unlink(missing_ok=True)
        make()
        os.chown(pse, owner, owner)
        answer, _ = run_as(root, shell, user)
        assert not proof.exists(), (what, proof.read_text())
        reason = answer.store(pse)["reason"]
        assert reason.startswith(("needs-pin (", "wrong-owner")), (what, reason)
    # An inventory may allow it, and it is said.
    folder(ONE)
    tool(exe / "sapgenpse", ONE)
    os.chown(pse, ONE, ONE)
    answer, _ = run_as(root, shell, None, tg_trust_users="1")
    assert answer.outcome(pse) == ("sapgenpse", "") and proof.exists()
    assert any("sap_trust_local_users" in n["text"] for n in answer.notes)
    # Nothing is wrong with one's own.
    answer, _ = run_as(root, shell, ONE)
    assert answer.outcome(pse) == ("sapgenpse", "")
    return None


def marked(mark):
    """Processes with this mark in their environment, but for the dead."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (path / "environ").read_bytes() and "\nState:\tZ" not in (path / "status").read_text():
                found.append((path.name, (path / "cmdline").read_bytes().replace(b"\0", b" ")))
        except OSError:
            pass
    return found


def wait_for_none(mark):
    patience = time.monotonic() + 120  # for a busy machine; it is a matter of seconds
    while left := marked(mark):
        assert time.monotonic() < patience, left
        time.sleep(0.1)


@in_each_shell
def nothing_is_left_of_a_program_that_hangs(context, shell):
    """One that leaves children behind, and one that does not end; the PSE after it is read all the same."""
    root = context.folder / ("leftover " + shell)
    d00 = instance(root, "PRD", "D00")
    make_pse(d00 / "sec" / "A.pse", "--pin", trust=context.material.roots)
    make_pse(d00 / "sec" / "Z.pse", trust=context.material.roots)
    program = d00 / "exe" / "sapgenpse"
    for what, text, reason in (("hangs, with a child", "sleep 997 & sleep 998", "needs-pin (sapgenpse did not answer within 2 s)"),
                               ("leaves a child", "sleep 997 & echo PKList:", None)):
        program.write_text("#!/bin/sh\n%s\n" % text)
        program.chmod(0o755)
        mark = "TG_MARK=%s" % os.urandom(8).hex()
        out = run(script(root, tool_seconds=2, tg_beat_seconds="1"), shell, env=dict([mark.split("=")]))
        answer = Answer(parse(out))
        assert answer.store(d00 / "sec" / "A.pse").get("reason") == reason, (what, answer.store(d00 / "sec" / "A.pse").fields)
        assert answer.outcome(d00 / "sec" / "Z.pse") == ("native", "")
        assert (b"\nbeat 0\n" in out) == (reason is not None), what
        wait_for_none(mark)


@in_each_shell
def nothing_runs_on_when_the_collector_has_gone(context, shell):
    root = context.folder / ("gone " + shell)
    d00 = instance(root, "PRD", "D00")
    make_pse(d00 / "sec" / "A.pse", "--pin", trust=context.material.roots)
    program = d00 / "exe" / "sapgenpse"
    program.write_text("#!/bin/sh\nsleep 997 &\nsleep 998\n")
    program.chmod(0o755)
    mark = os.urandom(8).hex()
    with subprocess.Popen([SHELLS[shell], *shell.split()[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, env={"PATH": os.environ["PATH"], "TG_MARK": mark}) as process:
        process.stdin.write(script(root, tool_seconds=900, tg_beat_seconds="1"))
        process.stdin.close()
        while b"beat" not in process.stdout.readline():
            pass
        process.stdout.close()
        wait_for_none("TG_MARK=" + mark)
        process.wait(60)


@in_each_shell
def what_is_left_below_sudo_says_nothing(context, shell):
    """A child of another user's that goes on writing when sudo has ended, and one that holds the output."""
    root = context.folder / ("below sudo " + shell)
    d00 = instance(root, "PRD", "D00")
    (d00 / "work" / "dev_icm").write_bytes(b"[Thr 1] x\n")
    later = instance(root, "QAS", "D00")
    (later / "work" / "dev_icm").write_bytes(b"[Thr 1] later\n")
    if ROOT_USER:
        give(root, NOBODY)
    (d00 / "work").chmod(0)
    tools = context.folder / ("bin below " + shell)
    tools.mkdir()
    mark = os.urandom(8).hex()
    (tools / "sudo").write_text("#!/bin/sh\necho 'trustgap-probe began' >&2\n"
                                "printf 'trustgap-system 2\\nend 0 records=0\\n\\n'\n"
                                "(while sleep 0.1; do printf 'store 0 path=/usr/sap/QAS/x\\n\\n' || exit; done) &\n"
                                "sleep 996 &\nexit 11\n")
    (tools / "sudo").chmod(0o755)
    out = run(script(root, become=True), shell, "%s:%s" % (tools, os.environ["PATH"]), nobody=True, leave=True,
              env={"TG_MARK": mark})
    (d00 / "work").chmod(0o755)
    end = out.index(b"\n%s over " % NONCE.encode())
    assert b"/usr/sap/QAS/x" not in out[end:], "somebody else wrote into the stream"
    assert b"[Thr 1] later\n" in out[end:]
    for pid, _ in marked("TG_MARK=" + mark):
        os.kill(int(pid), signal.SIGKILL)


@test
def twelve_large_lists(context, shell=FIRST):
    """How long 12 PSEs with 150 certificates take; also that large lists arrive whole."""
    root = context.folder / "large"
    sec = instance(root, "PRD", "D00") / "sec"
    many = context.folder / "many.pem"
    roots = context.material.roots
    many.write_text("".join(roots[i % 3].pem.read_text() for i in range(150)))
    for number in range(12):
        make_pse(sec / ("%d.pse" % number), "--trust", many)
    whole = b"".join(sorted(roots[i % 3].der for i in range(150)))
    times = []
    for shell in [s for s in SHELLS if SHELLS[s]]:
        started = time.monotonic()
        answer = ask(root, shell)
        times.append("%s %.1f s" % (shell, time.monotonic() - started))
        assert len(answer.stores) == 12
        for store in answer.stores.values():
            assert store.trusted.body == whole and store.trusted["count"] == "150"
    print("# 12 PSEs with 150 certificates:", ", ".join(times))


class Context:
    def __init__(self, folder):
        self.folder = folder
        self.outputs = {}
        (folder / "material").mkdir()
        self.material = Material(folder / "material")
        self.everything = Everything(folder / "everything", self.material)


def main():
    words = sys.argv[4:]
    chosen = [t for t in TESTS if not words or any(w in t[0] for w in words)]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trustgap-probe-"))
    folder.chmod(0o755)
    failed = 0
    try:
        context = Context(folder)
        for number, (name, function, shell) in enumerate(chosen, 1):
            skip = started = None
            if shell and not SHELLS[shell]:
                skip = "this machine has no " + shell
            try:
                started = time.monotonic()
                if not skip:
                    skip = function(context, shell) if shell else function(context)
                print("ok %d - %s%s" % (number, name, " # SKIP " + skip if skip else ""))
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print("# " + traceback.format_exc().replace("\n", "\n# "))
                print("not ok %d - %s" % (number, name))
            print("# %.1f s" % (time.monotonic() - started), flush=True)
        print("1..%d" % len(chosen))
    finally:
        for path in folder.rglob("*"):
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
