#!/usr/bin/env python3
"""trustgap explain: the answer to one trace, whatever state the trace is in."""

import bz2
import gzip
import io
import json
import lzma
import os
import tarfile
import threading
import time
import zipfile

import harness
import pki
import traces
from harness import CLEAN, DATA, FINDINGS, NO_INPUT

STORE = "/usr/sap/PRD/D00/sec/SAPSSLC.pse"
MEMORY_MIB = 48          # of its own that explain may take
SANITIZER_MIB = 700      # a sanitizer keeps freed memory for a while


class Explain(harness.Case):
    def setUp(self):
        super().setUp()
        self.authority = pki.Authority(self.folder / "ca")
        root = self.authority.root("Example Root R2")
        self.api = self.authority.make("api.example.com", self.authority.issuing("Example Issuing CA 2", root))
        self.printer = self.authority.make("label-printer-3", None)

    def answer(self, *arguments, **options):
        """The failures; the status says whether there are some, and whether the input was understood."""
        done = self.trustgap("explain", "--format", "json", *arguments, expect=(CLEAN, FINDINGS, DATA), **options)
        answer = json.loads(done.out)
        self.assertEqual(answer["format"], "trustgap explain 1")
        understood = all(one["understood"] for one in answer["inputs"])
        self.assertEqual(done.status, FINDINGS if answer["failures"] else CLEAN if understood else DATA, done)
        self.assertEqual(done.err.count("What is needed"), sum(not one["understood"] for one in answer["inputs"]), done)
        return answer["failures"]

    def json(self, content):
        path = self.folder / "trace"
        path.write_bytes(content)
        return self.answer(path)

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
        self.assertIsNone(failure.pop("known"), "there is no reference")
        chain = failure.pop("chain")
        self.assertTrue(all(link["sha256"] is None for link in chain), "this trace prints no fingerprints")
        links = [{key: link.get(key) for key in ("subject", "issuer", "serial")} for link in chain]
        self.assertEqual(links, [
            {"subject": self.api.subject, "issuer": issuing.subject, "serial": self.api.serial},
            {"subject": issuing.subject, "issuer": root.subject, "serial": issuing.serial}])
        self.assertEqual(failure, {
            "cause": "untrusted-peer", "error": "SSSLERR_PEER_CERT_UNTRUSTED", "alert": None, "code": -102, "role": "client",
            "store": STORE, "target": "api.example.com", "port": 443, "peer": "198.51.100.7:443",
            "peers": ["198.51.100.7:443"], "peers_more": 0,
            "first": traces.ago(2).strftime("%Y-%m-%dT%H:%M:%S"), "last": traces.ago(1).strftime("%Y-%m-%dT%H:%M:%S"),
            "count": 2, "torn": False, "line": line, "missing": {"subject": root.subject, "certainty": "issuer", "certificate": None,
                                                  "signed": chain[1]}})

    def test_text(self):
        done = self.trustgap("explain", stdin=self.sample().bytes(), expect=FINDINGS)
        for word in ("Example Root R2", STORE, "api.example.com"):
            self.expect_in(word, done)
        self.assertEqual(self.trustgap("explain", "-", stdin=self.sample().bytes(), expect=FINDINGS).out, done.out)

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
        """An all-clear only for what was understood as a trace."""
        calm = b"[Thr 7] Sun Nov 22 01:02:03 2026\n[Thr 7] all is well\n" * 1000
        rows = [("empty", b"", DATA), ("one line feed", b"\n", DATA), ("binary", os.urandom(200000), DATA),
                ("NULs", bytes(100000), DATA), ("text", b"all is well\n" * 1000, DATA),
                ("German", "Das Zertifikat der Gegenstelle ist nicht vertrauenswürdig\n".encode(), DATA),
                ("gzip", gzip.compress(calm)[:-1], DATA),
                ("no TLS", b"Sun Nov 22 01:02:03 2026\nall is well\n" * 1000, CLEAN), ("calm", calm, CLEAN),
                ("calm, UTF-16 without mark", calm.decode().encode("utf-16-le"), CLEAN)]
        for description, content, status in rows:
            with self.subTest(description):
                path = self.folder / "trace"
                path.write_bytes(content)
                done = self.trustgap("explain", path, expect=status)
                self.assertEqual("No failed TLS connection was found" in done.out, status == CLEAN, done)
                self.assertEqual("Not understood: %s " % path in done.out.replace("\n", " "), status == DATA, done)
        good = self.folder / "good"
        good.write_bytes(calm)
        done = self.trustgap("explain", path, good, expect=CLEAN)
        path.write_bytes(b"PK\x03\x04")
        done = self.trustgap("explain", good, path, expect=DATA)
        self.expect_in("No failed TLS connection was found", done)
        good.write_bytes(self.sample().bytes())
        done = self.trustgap("explain", path, good, expect=FINDINGS)
        self.expect_in("Not understood:", done)

    def archives(self, files):
        """The files (name -> content) as archives of each kind, by the name of the archive."""
        made = {}
        for kind in ("tar", "tar.gz", "tar.bz2", "tar.xz"):
            out = io.BytesIO()
            with tarfile.open(fileobj=out, mode="w:" + kind[4:]) as archive:
                for name, content in files.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    archive.addfile(entry, io.BytesIO(content))
            made["a." + kind] = out.getvalue()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        made["a.zip"] = out.getvalue()
        return made

    def test_packed(self):
        """A trace in a packed file or in an archive gives the same answer as the trace itself, from a pipe too."""
        content = self.sample().bytes()
        plain = self.json(content)
        for name, packed in (("t.gz", gzip.compress(content)), ("t.bz2", bz2.compress(content)),
                             ("t.xz", lzma.compress(content))):
            with self.subTest(name):
                (self.folder / name).write_bytes(packed)
                self.assertEqual(self.answer(self.folder / name), plain)
                self.assertEqual(self.answer("-", stdin=packed), plain)
        half = content.index(b"\n", len(content) // 2) + 1
        files = {"D00/work/dev_icm": content[half:], "D00/work/stderr0": b"no trace\n", "D00/work/sub/x": b"",
                 "D00/work/dev_icm.old": content[:half]}
        for name, packed in self.archives(files).items():
            with self.subTest(name):
                (self.folder / name).write_bytes(packed)
                before = sorted(self.folder.rglob("*"))
                self.assertEqual([{**one, "line": None} for one in self.answer(self.folder / name)],
                                 [{**one, "line": None} for one in plain])
                text = self.trustgap("explain", self.folder / name, expect=FINDINGS).out
                self.assertIn("%s(D00/work/dev_icm.old), line " % (self.folder / name), text)
                self.assertIn("2 of 3 files in it are no traces", text.replace("\n", " "))
                self.expect_in("standard input(D00/work/dev_icm.old), line ",
                               self.trustgap("explain", stdin=packed, expect=FINDINGS))
                self.assertEqual(sorted(self.folder.rglob("*")), before, "nothing is written")

    def test_damaged_packed(self):
        """What was read is told, and what is missing; never an all-clear."""
        quiet = traces.Trace()
        quiet.noise(20000)
        calm = quiet.bytes()
        for name, packed in self.archives({"w/dev_icm": self.sample().bytes(), "w/dev_w0": calm, "w/dev_w1": calm}).items():
            for part in (8, 4, 2):
                with self.subTest((name, part)):
                    path = self.folder / name
                    path.write_bytes(packed[:-(len(packed) // part)])
                    done = self.trustgap("explain", path, expect=(FINDINGS, DATA))
                    self.assertNotIn("No failed TLS connection was found", done.out)
                    self.assertIn("Not understood: %s " % path, done.out.replace("\n", " "))
        path = self.folder / "trace.gz"
        path.write_bytes(gzip.compress(self.sample().bytes() + calm)[:-2000])
        done = self.trustgap("explain", path, expect=FINDINGS)
        self.expect_in("Not understood:", done)

    def test_bomb(self):
        """One that unpacks to much more than it is ends with a clear message."""
        path = self.folder / "bomb.xz"
        path.write_bytes(lzma.compress(bytes(b"A" * 1000000) * 300, preset=0))
        done = self.trustgap("explain", path, expect=DATA)
        self.assertEqual(done.err, "%s: unpacks to more than 1000 times its size: it was not read further\n" % path)

    def test_the_name_alone(self):
        """What an ABAP program shows, in any language."""
        (failure,) = self.json("Aufruf von https://api.partner.example:443/v1 schlug fehl (Statuscode 421, "
                               "ICM_HTTP_SSL_PEER_CERT_UNTRUSTED)\n".encode("utf-16-le"))
        self.assertEqual([failure[k] for k in ("cause", "code", "target", "port")],
                         ["untrusted-peer", 421, "api.partner.example", 443])
        for word in ("dev_icm", "level to 2", "session uses PSE file"):
            self.assertIn(word, failure["advice"])
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

    def test_torn(self):
        """The trace ends between two certificates of a chain: neither of them is called missing."""
        lines = self.sample().bytes().split(b"\n")
        last = min(n for n, line in enumerate(lines) if b"SignerCert:" in line)
        content = b"\n".join(lines[:last])
        (failure,) = self.json(content)
        self.assertTrue(failure["torn"])
        self.assertEqual((failure["missing"]["subject"], failure["missing"]["certainty"]), (None, "unknown"))
        self.assertIn("breaks off", failure["advice"])
        done = self.trustgap("explain", stdin=content, expect=FINDINGS)
        self.expect_in("shows only part of this error block", done)

    def test_rotated_in_the_middle(self):
        """The beginning of a block is gone, as in a pasted piece."""
        lines = self.sample().bytes().split(b"\n")
        start = next(n for n, line in enumerate(lines) if b"Begin of Secu" in line)
        failures = self.json(b"\n".join(lines[start:]))
        self.assertEqual({f["missing"]["subject"] for f in failures}, {self.api.issuer.issuer.subject})

    def huge(self, size):
        """A file of one endless line (with holes: it takes no room here), and two failures behind it."""
        path = self.folder / "huge"
        with open(path, "wb") as huge:
            huge.write(b"[Thr 1] x")
            huge.truncate(size)
            huge.seek(0, os.SEEK_END)
            huge.write(b"\n" + self.sample().bytes())
        return path

    def test_one_line_of_gigabytes(self):
        """The failures behind it are found, in their place, and memory does not depend on the size."""
        for size in (1 << 30, (5 << 30) + 12345):
            with self.subTest(size):
                process = self.start("explain", "--format", "json", self.huge(size))
                peak = Peak(process.pid)
                out, err = process.communicate(timeout=harness.SECONDS)
                self.assertEqual(process.returncode, FINDINGS, err.decode())
                (failure,) = json.loads(out)["failures"]
                (small,) = self.json(b"\n" + self.sample().bytes())
                self.assertEqual((failure["count"], failure["line"]), (2, small["line"]))
                sanitized = "address" in os.environ.get("TRUSTGAP_SANITIZE", "")
                self.assertLess(peak.mib(), SANITIZER_MIB if sanitized else MEMORY_MIB, "MiB of memory of its own")

    def test_a_file_that_shrinks(self):
        """The ICM begins its trace anew while it is read: what was read counts, nothing crashes."""
        path = self.huge(5 << 30)
        process = self.start("explain", "--format", "json", path)
        time.sleep(0.02)
        os.truncate(path, 1000)
        out, err = process.communicate(timeout=harness.SECONDS)
        self.assertIn(process.returncode, (CLEAN, FINDINGS), err.decode())
        json.loads(out)

    def test_several_files(self):
        """A rotated trace is one, whatever is cut in two; other files are traces of their own."""
        content = self.sample().bytes()
        middle = content.index(b"Verification result")
        folder = self.folder / "work"
        folder.mkdir()
        (folder / "dev_icm.old").write_bytes(content[:middle])
        (folder / "dev_icm").write_bytes(content[middle:])
        (folder / "other").write_bytes(content)
        def counts(*names):
            return [(f["missing"]["subject"], f["count"]) for f in self.answer(*(folder / name for name in names))]
        root = self.api.issuer.issuer.subject
        self.assertEqual(counts("dev_icm.old", "dev_icm"), [(root, 2)])
        self.assertEqual(counts("dev_icm.old", "dev_icm", "other"), [(root, 4)])
        self.assertNotEqual(counts("dev_icm", "dev_icm.old"), [(root, 2)])
        self.expect_in("no-such-trace", self.trustgap("explain", folder / "other", "no-such-trace", expect=NO_INPUT))

    def test_damaged_by_copying(self):
        """In one line, quoted, without prefixes: the answer is the same, and says how much of the block it could read."""
        content = self.sample().bytes()
        (plain,) = self.json(content)
        keys = ("cause", "error", "code", "role", "store", "target", "peer", "chain", "missing", "count")
        self.assertGreater(plain["read"]["understood"], 20)
        self.assertLessEqual(plain["read"]["understood"], plain["read"]["lines"])
        flat = b" ".join(line.strip() for line in content.split(b"\n"))
        for what, text in (("flattened", flat), ("quoted", b"> " + content.replace(b"\n", b"\n> ")),
                           ("hashes", content.replace(b"\n", b"#")),
                           ("quotes", content.replace(b'"', "\u201c".encode())),
                           ("blanks", content.replace(b" ", "\u00a0".encode()))):
            with self.subTest(what):
                (damaged,) = self.json(text)
                self.assertEqual({k: damaged[k] for k in keys}, {k: plain[k] for k in keys})
                done = self.trustgap("explain", self.folder / "trace", expect=FINDINGS)
                self.expect_in("lines of the block", done)
        (garbled,) = self.json(content.replace(b"Issuer:", b"Iss#er").replace(b"Status:", b"Stat"))
        self.assertLess(garbled["read"]["understood"], plain["read"]["understood"])
        self.assertIsNone(garbled["missing"]["subject"])

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
