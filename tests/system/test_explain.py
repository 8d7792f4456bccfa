#!/usr/bin/env python3
"""trustgap explain: the answer to one trace, whatever state the trace is in."""

import json
import os
import threading
import time

import harness
import pki
import traces
from harness import CLEAN, NO_INPUT

STORE = "/usr/sap/PRD/D00/sec/SAPSSLC.pse"
MEMORY_MIB = 96          # of its own that explain may take
SANITIZER_MIB = 700      # a sanitizer keeps freed memory for a while
HUGE = 1 << 30


class Explain(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = pki.Authority(self.folder / "ca")
        root = self.authority.root("Example Root R2")
        self.api = self.authority.make("api.example.com", self.authority.issuing("Example Issuing CA 2", root))
        self.printer = self.authority.make("label-printer-3", None)

    def json(self, content, expect=CLEAN):
        path = self.folder / "trace"
        path.write_bytes(content)
        answer = json.loads(self.trustgap("explain", "--format", "json", path, expect=expect).out)
        self.assertEqual(answer["format"], "trustgap explain 1")
        return answer["failures"]

    def sample(self):
        trace = traces.Trace()
        trace.untrusted(traces.ago(2), STORE, self.api.chain[:2], "api.example.com")
        trace.untrusted(traces.ago(1), STORE, self.api.chain[:2], "api.example.com")
        return trace

    def test_json(self):
        trace = self.sample()
        (failure,) = self.json(trace.bytes())
        issuing, root = self.api.issuer, self.api.issuer.issuer
        line = next(n for n, text in enumerate(trace.lines, 1) if "*** ERROR during" in text)
        advice = failure.pop("advice")
        for word in ("SAPSSLC.pse", "Example Root R2"):
            self.assertIn(word, advice)
        read = failure.pop("read")
        if read:
            self.assertLessEqual(read["understood"], read["lines"])
        chain = failure.pop("chain")
        self.assertTrue(all(link["sha256"] is None for link in chain), "this trace prints no fingerprints")
        links = [{key: link.get(key) for key in ("subject", "issuer", "serial")} for link in chain]
        self.assertEqual(links, [
            {"subject": self.api.subject, "issuer": issuing.subject, "serial": self.api.serial},
            {"subject": issuing.subject, "issuer": root.subject, "serial": issuing.serial}])
        self.assertEqual(failure, {
            "cause": "untrusted-peer", "error": "SSSLERR_PEER_CERT_UNTRUSTED", "code": -102, "role": "client",
            "store": STORE, "target": "api.example.com", "peer": "198.51.100.7:443",
            "peers": ["198.51.100.7:443"], "peers_more": 0,
            "first": traces.ago(2).strftime("%Y-%m-%dT%H:%M:%S"), "last": traces.ago(1).strftime("%Y-%m-%dT%H:%M:%S"),
            "count": 2, "line": line, "missing": {"subject": root.subject, "certainty": "issuer"}})

    def test_text(self):
        done = self.trustgap("explain", stdin=self.sample().bytes())
        for word in ("Example Root R2", STORE, "api.example.com"):
            self.expect_in(word, done)
        self.assertEqual(self.trustgap("explain", "-", stdin=self.sample().bytes()).out, done.out)

    def test_variants(self):
        flat, old, others = traces.Trace(), traces.Trace(release="722"), traces.Trace()
        flat.untrusted_flat(traces.ago(1), STORE, self.printer)
        old.untrusted_old(traces.ago(1), STORE, self.api.issuer.issuer.subject, width=30)
        others.name_mismatch(None, "a.example.com", "CN=b.example.com, C=DE")
        others.peer_refused(None, STORE, "c.example.com")
        others.proxy_refused(None, "d.example.com")
        others.closed(None, "e.example.com")
        others.noise(5)
        (failure,) = self.json(flat.bytes())
        self.assertEqual((failure["missing"]["subject"], failure["missing"]["certainty"], failure["target"]),
                         (self.printer.subject, "self-signed", None))
        (failure,) = self.json(old.bytes())
        self.assertEqual((failure["missing"]["certainty"], failure["missing"].get("cut"), failure["code"]),
                         ("named", True, -57))
        self.assertTrue(self.api.issuer.issuer.subject.startswith(failure["missing"]["subject"]))
        self.assertEqual([f["cause"] for f in self.json(others.bytes())],
                         ["name-mismatch", "peer-refused", "proxy-refused", "closed"])
        self.assertTrue(all(f["missing"] is None for f in self.json(others.bytes())))

    def test_nothing_to_explain(self):
        rows = [("empty", b""), ("one line feed", b"\n"), ("binary", os.urandom(200000)), ("NULs", bytes(100000)),
                ("no TLS", b"Sun Nov 22 01:02:03 2026\nall is well\n" * 1000)]
        for description, content in rows:
            with self.subTest(description):
                self.assertEqual(self.json(content), [])
                done = self.trustgap("explain", self.folder / "trace")
                self.assertTrue(done.out.strip(), "it says that there is nothing")
        self.expect_in("no-such-trace", self.trustgap("explain", "no-such-trace", expect=NO_INPUT))

    def test_truncated_anywhere(self):
        """Cut in mid-stack: what is there counts, nothing is invented."""
        content = self.sample().bytes()
        seen = set()
        for length in range(0, len(content), 397):
            for failure in self.json(content[:length]):
                missing = failure["missing"]
                seen.add(missing and missing["subject"])
                if missing and missing["subject"]:
                    names = [c.subject for c in self.api.chain]
                    self.assertTrue(any(name.startswith(missing["subject"]) for name in names), missing)
        self.assertIn(self.api.issuer.issuer.subject, seen)

    def test_rotated_in_the_middle(self):
        """The beginning of a block is gone, as in a pasted piece."""
        lines = self.sample().bytes().split(b"\n")
        start = next(n for n, line in enumerate(lines) if b"Begin of Secu" in line)
        failures = self.json(b"\n".join(lines[start:]))
        self.assertEqual({f["missing"]["subject"] for f in failures}, {self.api.issuer.issuer.subject})

    def test_one_line_of_a_gigabyte(self):
        """In a file (with holes: it takes no room here), and the failure behind it is still found."""
        path = self.folder / "huge"
        with open(path, "wb") as huge:
            huge.write(b"[Thr 1] x")
            huge.truncate(HUGE)
            huge.seek(0, os.SEEK_END)
            huge.write(b"\n" + self.sample().bytes())
        process = self.start("explain", "--format", "json", path)
        peak = Peak(process.pid)
        out, err = process.communicate(timeout=harness.SECONDS)
        self.assertEqual(process.returncode, CLEAN, err.decode())
        self.assertEqual(len(json.loads(out)["failures"]), 1)
        sanitized = "address" in os.environ.get("TRUSTGAP_SANITIZE", "")
        self.assertLess(peak.mib(), SANITIZER_MIB if sanitized else MEMORY_MIB, "MiB of memory of its own")

    def test_many_failures(self):
        """A busy night: 5,000 failures of 50 peers are 50 entries."""
        trace = traces.Trace()
        for number in range(5000):
            trace.closed(None, "peer%02d.example.com" % (number % 50))
        failures = self.json(trace.bytes())
        self.assertEqual(sorted(f["count"] for f in failures), [100] * 50)


class Peak:
    """The most memory of its own (no file pages) that a process had, looked at a hundred times a second."""

    def __init__(self, pid):
        self.pid, self.most = pid, 0
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self):
        try:
            while True:
                with open("/proc/%d/status" % self.pid, encoding="ascii", errors="replace") as status:
                    fields = dict(line.split(":", 1) for line in status)
                if "RssAnon" not in fields:
                    return
                self.most = max(self.most, int(fields["RssAnon"].split()[0]))
                time.sleep(0.01)
        except OSError:
            return

    def mib(self):
        self.thread.join()
        return self.most / 1024


if __name__ == "__main__":
    harness.main()
