#!/usr/bin/env python3
"""What is written: the same bytes from the same capture, valid, self-contained, and inert whatever a host says."""

import os
import re
import shutil
import subprocess

import harness
import pki
import traces
from harness import CLEAN, DATA, FINDINGS, HOSTS_MISSING, NO_INPUT

AT = "2030-01-02T03:04:05Z"


class Documents(harness.Case):
    """One capture with most kinds of findings in it."""

    def setUp(self):
        super().setUp()
        whole = self.landscape()
        make = whole.authority
        root, new = make.root("Example Root R1"), make.root("Example Root R2")
        api = make.make("api.example.com", make.issuing("Example Issuing CA 2", new))
        base = pki.public_roots(3) + [root]
        for number, (sid, name) in enumerate((("PRD", "D00"), ("QAS", "D10"), ("WDP", "W30"), ("HDB", "HDB00"))):
            instance = whole.host("host%d" % number, tier="production", owner="Basis & Friends <basis@example.com>",
                                  groups=["group-%d" % number]).instance(sid, name)
            store = instance.pse("SAPSSLC.pse", base + ([new] if sid == "HDB" else []))
            instance.pse("SAPSSLA.pse", base, pin="credential" if number % 2 else "secret")
            trace = traces.Trace("dev_webdisp" if sid in ("WDP", "HDB") else "dev_icm", sid=sid, level=2)
            if sid != "HDB":
                trace.untrusted(traces.ago(number + 1), store, api.chain[:2], "api.example.com")
                trace.closed(traces.ago(1), "closed.example.org")
            instance.trace(trace)
        whole.host("lost", server="refusing")
        with whole:
            self.collect(whole, "capture", expect=harness.HOSTS_MISSING)
        self.whole = whole

    def analyze(self, out, *captures, **more):
        self.trustgap("analyze", *captures or ("capture",), "--at", AT, "-o", out,
                      expect=(CLEAN, FINDINGS, HOSTS_MISSING, FINDINGS | HOSTS_MISSING), **more)
        return (self.folder / out).read_bytes()

    def test_same_capture_same_bytes(self):
        first = self.analyze("first.xml")
        self.assertEqual(self.analyze("second.xml"), first)
        elsewhere = {**self.environment, "TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "tr_TR.UTF-8",
                     "SOURCE_DATE_EPOCH": "1", "USER": "somebody"}
        self.assertEqual(self.analyze("third.xml", environment=elsewhere), first, "nothing of the environment goes in")
        shutil.copytree(self.folder / "capture", self.folder / "copied")
        self.assertEqual(self.analyze("fourth.xml", "copied"), first, "the name of the folder does not matter")
        for form in ("html", "text", "xml"):
            for turn in ("1", "2"):
                self.trustgap("report", "first.xml", "-f", form, "-o", form + turn)
            self.assertEqual((self.folder / (form + "1")).read_bytes(), (self.folder / (form + "2")).read_bytes(), form)
        self.assertEqual((self.folder / "xml1").read_bytes(), first, "read and written again")

    def test_source_date_epoch_is_the_default_time(self):
        environment = {**self.environment, "SOURCE_DATE_EPOCH": "1893553445"}
        self.trustgap("analyze", "capture", "-o", "epoch.xml", expect=FINDINGS | HOSTS_MISSING,
                      environment=environment)
        self.assertEqual((self.folder / "epoch.xml").read_bytes(), self.analyze("at.xml"))

    def test_hosts_in_another_order(self):
        first = self.analyze("first.xml")
        journal = self.folder / "capture" / "capture.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        journal.write_bytes(lines[0] + b"".join(reversed(lines[1:])))
        self.assertEqual(self.analyze("second.xml"), first, "which host was ready first does not matter")

    def test_schema(self):
        self.analyze("audit.xml")
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", str(harness.SCHEMA),
                               str(self.folder / "audit.xml")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
        self.trustgap("validate", "audit.xml")
        document = (self.folder / "audit.xml").read_text()
        rows = [
            ("an unknown element", document.replace("<findings>", "<findings><surprise/>", 1), DATA),
            ("an unknown word", document.replace('severity="high"', 'severity="huge"'), DATA),
            ("cut off", document[:len(document) // 2], DATA),
            ("empty", "", DATA),
            ("something else", "<html/>", DATA),
            ("an entity", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', DATA),
        ]
        for description, text, status in rows:
            with self.subTest(description):
                (self.folder / "bad.xml").write_text(text)
                self.expect_in("bad.xml", self.trustgap("validate", "bad.xml", expect=status))
                done = self.trustgap("report", "bad.xml", expect=(status, CLEAN))
                self.assertNotIn("root:", done.out)
        self.expect_in("nothing.xml", self.trustgap("validate", "nothing.xml", expect=NO_INPUT))
        self.expect_in("nothing.xml", self.trustgap("report", "nothing.xml", expect=NO_INPUT))

    def test_html_stands_alone(self):
        self.analyze("audit.xml")
        self.trustgap("report", "audit.xml", "-f", "html", "-o", "report.html")
        check_html(self, (self.folder / "report.html").read_text("utf-8"))

    def test_captures_together(self):
        """Two captures, one of each half of the landscape, are as good as one of the whole."""
        with self.whole:
            self.collect(self.whole, "a", "--limit", "host0,host1")
            self.collect(self.whole, "b", "--limit", "host2,host3")
        self.analyze("both.xml", "a", "b")
        both = harness.Audit(self.folder / "both.xml")
        self.assertEqual(sorted(both.hosts), ["host0", "host1", "host2", "host3"])
        finding = both.finding("missing-anchor", about="Example Root R2")
        self.assertEqual(both.gaps(finding),
                         ["PRD SAPSSLC.pse", "QAS SAPSSLC.pse", "host2 W30 SAPSSLC.pse"])

    def test_references(self):
        """A folder of certificates that may be imported: what nobody has is found there."""
        references = self.folder / "references"
        references.mkdir()
        lonely = self.whole.authority.root("Example Lonely Root")
        (references / "lonely.pem").write_text("A note.\n" + lonely.pem)
        (references / "no certificate.txt").write_text("nothing")
        instance = self.whole.host("host9").instance("NEW", "D90")
        store = instance.pse("SAPSSLC.pse", [])
        trace = traces.Trace(sid="NEW")
        leaf = self.whole.authority.make("lonely.example.org", lonely)
        trace.untrusted(traces.ago(1), store, leaf.chain[:1], "lonely.example.org")
        instance.trace(trace)
        with self.whole:
            self.collect(self.whole, "new", "--limit", "host9")
        self.analyze("without.xml", "new")
        without = harness.Audit(self.folder / "without.xml")
        self.assertIsNone(without.sha256(without.finding("unknown-issuer", about="Example Lonely Root")))
        self.trustgap("analyze", "new", "--at", AT, "--reference", references, "-o", "with.xml", expect=FINDINGS)
        found = harness.Audit(self.folder / "with.xml")
        self.assertEqual(found.sha256(found.finding("missing-anchor", about="Example Lonely Root")), lonely.sha256)
        self.expect_in("no-such-folder", self.trustgap(
            "analyze", "new", "--reference", "no-such-folder", "-o", "x.xml", expect=NO_INPUT))


def check_html(test, document):
    """No outside reference, no script; the escaped text of a host may say what it likes."""
    test.assertNotRegex(document, r"(?i)<\s*(script|iframe|object|embed|link|base|form)\b")
    test.assertNotRegex(document, r"(?i)\b(src|href|action|srcset|poster|data)\s*=\s*[\"']?\s*(https?:|//|javascript:)")
    test.assertNotRegex(document, r"(?i)url\(\s*[\"']?(https?:|//)|@import")
    test.assertNotRegex(document, r"(?i)<[^>]*\son[a-z]+\s*=")
    test.assertNotRegex(document, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")


# Names and texts that try to be more than text, wherever a host can put one.
HOSTILE = "<script>alert(1)</script>"
ESCAPES = "\x1b[31m\x1b]0;owned\x07\x08\x7f\u202egnp.\u200b"


class Hostile(harness.Case):
    def test_hostile_texts_are_inert(self):
        whole = self.landscape()
        make = whole.authority
        evil = make.root("evil", name=[("C", "DE"), ("O", HOSTILE), ("CN", "Evil \"Root\" ' & " + ESCAPES)])
        marked = make.root("marked", name=[("O", "]]>--><!--"), ("CN", "${7*7} `id` $(id) ; rm -rf / | %s%n")])
        peer = make.make("peer", evil, name=[("O", HOSTILE), ("CN", "peer " + ESCAPES)], names=["evil.example.com"])
        instance = whole.host("sapevl01").instance("EVL", "D00")
        store = instance.pse("SAPSSLC.pse", [marked])
        instance.pse("SAPSSLS.pse", [evil], own=make.make("own", evil, key="rsa", end=-1, names=["x.example.com"],
                                                          name=[("O", HOSTILE), ("CN", "own " + ESCAPES)]))
        instance.pse("SAPSSLA.pse", [evil, marked], pin="credential")
        strange = "<img src=x onerror=alert(1)> \x1b[2J\n'\"$(id)`id`;%41.pse"
        instance.pse("plain.pse", [evil]).rename(instance.sec / strange)
        trace = traces.Trace(sid="EVL")
        trace.untrusted(traces.ago(1), store, peer.chain, "\"><script>alert(2)</script>" + ESCAPES)
        trace.closed(traces.ago(1), "javascript:alert(3)//https://example.com/x.js")
        trace.name_mismatch(traces.ago(1), HOSTILE, ESCAPES)
        content = trace.bytes() + b"[Thr 1] *** ERROR => SSL handshake with \xff\xfe\x00\xc0\xaf<b>:443 failed: " \
                                  b"SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
        instance.trace(content, name="dev_icm")
        with whole:
            audit = self.audit(whole, "state", "--verbose", expect=FINDINGS)
        state = self.folder / "state"

        check_html(self, (state / "report.html").read_text("utf-8"))
        self.assertIn("&lt;script&gt;alert(1)&lt;/script&gt;", (state / "report.html").read_text("utf-8"))
        found = harness.Audit(state / "latest.xml")  # a strict parser reads it
        self.assertTrue(found.findings("missing-anchor", about=HOSTILE), str(found))
        for done in (audit, self.trustgap("explain", instance.work / "dev_icm", expect=FINDINGS),
                     self.trustgap("explain", "--format", "json", instance.work / "dev_icm", expect=FINDINGS),
                     self.trustgap("report", state / "latest.xml")):
            self.check_terminal(done.command, done.out + done.err)
        for path in (state / "report.txt", state / "latest.xml", next((state / "captures").iterdir()) / "capture.jsonl"):
            self.check_terminal(path, path.read_text("utf-8"))
        done = subprocess.run(["xmllint", "--nonet", "--noout", "--schema", str(harness.SCHEMA),
                               str(state / "latest.xml")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode())

    def check_terminal(self, what, text):
        """No control character, no character that cannot be seen or that turns the line round."""
        found = re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text)
        self.assertEqual(found, [], what)

    def test_commands_of_a_remedy_are_quoted(self):
        """A path with a quote in it does not end the quoting of a command that somebody pastes."""
        whole = self.landscape()
        root = whole.authority.root("Example Root R2")
        instance = whole.host("web01").instance("WDP", "W30")
        store = instance.sec / "a'; touch owned; '.pse"
        instance.pse("plain.pse", []).rename(store)
        trace = traces.Trace("dev_webdisp", sid="WDP")
        trace.untrusted(traces.ago(1), store, whole.authority.make("api.example.com", root).chain, "api.example.com")
        instance.trace(trace)
        with whole:
            self.audit(whole, "state", expect=FINDINGS)
        audit = harness.Audit(self.folder / "state" / "latest.xml")
        commands = [s.text[2:] for s in audit.root.iter("step") if s.text and s.text.startswith("$ ")]
        self.assertTrue(commands, str(audit))
        self.assertTrue(any("owned" in command for command in commands), commands)
        (self.folder / "bin").mkdir()
        tool = self.folder / "bin" / "sapgenpse"
        tool.write_text("#!/bin/sh\nexit 0\n")
        tool.chmod(0o755)
        for command in commands:
            subprocess.run(["sh", "-c", command], cwd=self.folder, check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                           env={**self.environment, "PATH": "%s:%s" % (self.folder / "bin", os.environ["PATH"])})
        self.assertFalse(list(self.folder.rglob("owned")), commands)


if __name__ == "__main__":
    harness.main()
