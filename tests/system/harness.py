"""
What the system tests share: a folder for each test, running trustgap, looking into captures and audits, TAP for meson.

The programs come from the environment (set by meson.build): TRUSTGAP, MAKE_PSE.  A failed expectation shows what
trustgap was asked and all that it said.
"""

import html
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import unittest
import xml.etree.ElementTree as xml

import landscape
import sshd

CLEAN, FINDINGS, FAILED, HOSTS_MISSING, BOTH, USAGE, DATA, NO_INPUT = 0, 1, 2, 4, 5, 64, 65, 66
TRUSTGAP = os.environ.get("TRUSTGAP", "trustgap")
FAULTY = os.environ.get("TRUSTGAP_FAULTY", "trustgap-faulty")  # its parsers fail when the bytes ask for it
SCHEMA = landscape.HERE.parent.parent / "report" / "audit.xsd"
SECONDS = 200  # ends a command that hangs; no test depends on how long one takes

# A test that wants to be independent of its user's home, agent and zone.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("SSH_AUTH_SOCK", "SOURCE_DATE_EPOCH")}


class Done:
    """A command that has ended."""

    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = [str(word) for word in command], status, out, err

    def __str__(self):
        return "$ %s\nstatus %s\n-- standard output:\n%s\n-- standard error:\n%s" % (
            " ".join(self.command), self.status, self.out[-6000:], self.err[-6000:])


class Case(unittest.TestCase):
    """A test with a folder of its own; self.landscape() makes a landscape in it."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trustgap-test-")).resolve()
        if not os.environ.get("KEEP"):  # KEEP=1 leaves the folder there to be looked at
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        # No answer may depend on which public certificates this machine has.
        self.environment = {**ENVIRONMENT, "HOME": str(self.folder), "TRUSTGAP_SYSTEM_REFERENCE": ""}

    def landscape(self):
        made = landscape.Landscape(self.folder / "landscape")
        self.addCleanup(made.stop)
        return made

    def start(self, *arguments, **more):
        """Start trustgap and return its process."""
        return subprocess.Popen([TRUSTGAP, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.folder, env=self.environment, **more)

    def trustgap(self, *arguments, expect=CLEAN, stdin=b"", environment=None, prefix=(),
                 program=TRUSTGAP):
        """Run trustgap to its end; its status has to be expect (a number or several)."""
        command = [*prefix, program, *map(str, arguments)]
        done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder,
                              env=environment or self.environment, timeout=SECONDS, check=False)
        done = Done(command, done.returncode, done.stdout.decode("utf-8", "backslashreplace"),
                    done.stderr.decode("utf-8", "backslashreplace"))
        self.last = done
        # A parser that crashes costs a finding and no longer the run, so a test would not notice it.
        if program != FAULTY and ("AddressSanitizer" in done.err or "runtime error: " in done.err):
            self.fail("a sanitizer has something to say\n%s" % done)
        if done.status not in (expect if isinstance(expect, tuple) else (expect,)):
            self.fail("expected status %s\n%s" % (expect, done))
        return done

    def collect(self, whole, out, *more, expect=CLEAN, **options):
        return self.trustgap("collect", "-i", whole.inventory, "--known-hosts", whole.known_hosts, "-o", out,
                             "--no-agent", *more, expect=expect, **options)

    def audit(self, whole, state, *more, expect=CLEAN, **options):
        return self.trustgap("audit", "-i", whole.inventory, "--known-hosts", whole.known_hosts, "--state", state,
                             "--no-agent", *more, expect=expect, **options)

    def expect_in(self, needle, done):
        """needle is in what the command said, wherever."""
        if needle not in done.out + done.err:
            self.fail("%r is not in the answer of\n%s" % (needle, done))

    def capture(self, path):
        """The journal of a capture: its header, and host name -> last whole line of it."""
        lines = (pathlib.Path(path) / "capture.jsonl").read_bytes().split(b"\n")
        if lines.pop() != b"":
            print("# the last line of the journal is torn")
        header = json.loads(lines[0])
        self.assertEqual(header["format"], "trustgap capture")
        hosts = [host for host in map(json.loads, lines[1:]) if "format" not in host]  # a further header
        return header, {host["host"]: host for host in hosts}

    def objects(self, path):
        return [p for p in (pathlib.Path(path) / "objects").rglob("*") if p.is_file()]

    def everything(self, *folders):
        """All files below folders, as (path, bytes)."""
        for folder in folders:
            for path in sorted(pathlib.Path(folder).rglob("*")):
                if path.is_file() and not path.is_symlink():
                    yield path, path.read_bytes()


OPEN = ("new", "open", "returned")


class Audit:
    """An audit document: its findings, and stores by their labels."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.root = xml.parse(self.path).getroot()
        for element in self.root.iter():  # names without their namespace: tests are easier to read
            element.tag = element.tag.split("}", 1)[-1]
        self.stores = {store.get("id"): store for store in self.root.find("stores")}
        self.certificates = {cert.get("id"): cert for cert in self.root.find("certificates")}
        self.hosts = {host.get("name"): host for host in self.root.find("hosts")}

    def __str__(self):
        return "findings of %s:\n%s" % (self.path, "\n".join(
            "  %s %s %s: %s" % (f.get("state"), f.get("severity"), f.get("kind"), f.get("title"))
            for f in self.findings()))

    def findings(self, *kinds, about="", states=None):
        """Findings of these kinds (none: all) whose XML holds the text about."""
        return [f for f in self.root.find("findings")
                if (not kinds or f.get("kind") in kinds) and (not states or f.get("state") in states)
                and about in html.unescape(xml.tostring(f, encoding="unicode"))]

    def finding(self, *kinds, about=""):
        """The one such finding."""
        found = self.findings(*kinds, about=about)
        if len(found) != 1:
            raise AssertionError("%d findings of %s about %r in the %s" % (len(found), kinds or "any kind", about, self))
        return found[0]

    def label(self, reference):
        return self.stores[reference].get("label")

    def gaps(self, finding, *states):
        """Labels of the stores that have a gap in one of these states (default: open ones)."""
        return sorted(self.label(gap.get("store")) for gap in finding.findall("gap")
                      if gap.get("store") and gap.get("state") in (states or OPEN))

    def named(self, finding, child):
        """Labels of the stores that a finding lists as donor, lacking or store."""
        return sorted(self.label(element.get("ref")) for element in finding.findall(child))

    def sha256(self, finding):
        """The fingerprint of the certificate to import."""
        return self.certificates[finding.get("cert")].get("sha256") if finding.get("cert") else None


def wait_for(condition, seconds=SECONDS, what="it"):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited %d seconds for %s" % (seconds, what))
        time.sleep(0.02)


class _Tap(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number = 0
        self.good = True

    def _line(self, test, word, suffix="", details=""):
        self.number += 1
        line = "%s %d - %s%s" % (word, self.number, test.id().split(".", 1)[-1], suffix)
        print(line, flush=True)
        if details:  # meson shows what stands on standard error
            print(line + "\n" + details, file=sys.stderr, flush=True)

    def addSuccess(self, test):
        self._line(test, "ok")

    def addSkip(self, test, reason):
        self._line(test, "ok", " # SKIP " + reason)

    def addFailure(self, test, err):
        """Only where in the test it was, and what is wrong: how unittest got there helps nobody."""
        self.good = False
        _, error, trace = err
        frames = ["%s:%d: %s" % (pathlib.Path(frame.filename).name, frame.lineno, frame.line)
                  for frame in traceback.extract_tb(trace)
                  if landscape.HERE.parent in pathlib.Path(frame.filename).resolve().parents
                  and pathlib.Path(frame.filename).name != "harness.py"]
        self._line(test, "not ok", details="\n".join(
            frames + traceback.format_exception_only(type(error), error)))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(subtest, err)


def main():
    """Run the tests of the calling module; arguments: only these (Class.method)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # meson's way to end a test: the hosts end with it
    loader = unittest.TestLoader()
    suite = loader.loadTestsFromNames(sys.argv[1:], sys.modules["__main__"]) if sys.argv[1:] else \
        loader.loadTestsFromModule(sys.modules["__main__"])
    print("TAP version 13")
    if not sshd.find():
        print("1..0 # SKIP no sshd on this machine")
        return
    result = _Tap()
    suite.run(result)
    print("1..%d" % result.number)
    sys.exit(0 if result.good else 1)
